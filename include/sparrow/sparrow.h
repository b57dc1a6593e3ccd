// All of sparrow's C++ API.
#pragma once

#include "sparrow/chat.h"
#include "sparrow/engine.h"
#include "sparrow/error.h"
#include "sparrow/generation.h"
#include "sparrow/model_pool.h"
#include "sparrow/output_stream.h"
#include "sparrow/sampling_params.h"
#include "sparrow/version.h"
