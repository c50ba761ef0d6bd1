/* The memory models, for the registry. */
#pragma once

#include "kernel/memory_model.h"

extern const struct memory_model_ops memory_flat, memory_distance, memory_idle, memory_loaded;
