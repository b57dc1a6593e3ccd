// The one exception type of sparrow: what was wrong, with the value, the place and what would be
// right.
#pragma once

#include <stdexcept>
#include <string>

#include "sparrow/version.h"

namespace sparrow {

enum class ErrorCode {
  invalid_argument,  // a flag, request field or prompt that cannot be taken
  invalid_file,      // a model file, template, vocabulary or adapter that breaks its format
  unsupported,       // well-formed, but nothing here runs it
  not_found,         // no such file, model name, tensor
  io,                // the disk or the terminal failed
  network,           // no source answered, or a download broke
  out_of_memory,     // more memory than there is, said before it is taken
  context_full,      // the prompt does not fit the context
  cancelled,         // the caller asked to stop
  internal,          // a bug
};

// Thrown for wrong input; caught in four places only: C ABI, HTTP handler, CLI main, engine
// admission.
class SPARROW_API Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace sparrow
