# The ext class against the oracle's kernel (tests/oracle_ext.py). Passes as skipped where the oracle
# or Python is missing.
add_executable(tool_ext tool_ext.c tool_ext_logger.c tool_ext_tasks.c)
target_link_libraries(tool_ext PRIVATE ns_kernel PkgConfig::CMOCKA)
