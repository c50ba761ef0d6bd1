# The ext class against the calls that the oracle's kernel made (tests/oracle_ext.py). Passes as
# skipped where the oracle or Python is missing.
add_executable(tool_ext tool_ext.c tool_ext_logger.c tool_ext_qmap.c tool_ext_tasks.c tool_ext_watch.c tool_ext_windows.c)
target_link_libraries(tool_ext PRIVATE ns_models PkgConfig::CMOCKA)
if(PYTHON3)
    add_test(NAME ext_golden COMMAND ${PYTHON3} ${CMAKE_CURRENT_SOURCE_DIR}/oracle_ext.py
        $<TARGET_FILE:tool_ext> ${NUMASIM_SHARED})
    set_tests_properties(ext_golden PROPERTIES LABELS golden SKIP_RETURN_CODE 77 TIMEOUT 300)
endif()
