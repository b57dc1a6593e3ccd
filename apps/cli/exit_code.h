// The exit code of each kind of error: part of the program's contract, listed in the README.
#pragma once

#include "sparrow/error.h"

namespace sparrow::cli {

constexpr int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return 2;
    case ErrorCode::not_found:
      return 3;
    case ErrorCode::invalid_file:
      return 4;
    case ErrorCode::unsupported:
      return 5;
    case ErrorCode::io:
      return 6;
    case ErrorCode::network:
      return 7;
    case ErrorCode::out_of_memory:
      return 8;
    case ErrorCode::context_full:
      return 9;
    case ErrorCode::internal:
      return 70;
    case ErrorCode::cancelled:
      return 130;
  }
  return 70;
}

}  // namespace sparrow::cli
