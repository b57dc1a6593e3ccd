// Loaded before the C library (LD_PRELOAD): the SHIM_FAIL_AT-th operation that changes a file fails
// with SHIM_ERRNO, and so does every later one if SHIM_STAYS is set. Terminals, pipes and sockets
// are left alone. Writes the number of operations seen to the file SHIM_COUNT when the program
// ends.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdarg>
#include <cstdio>
#include <cstring>

extern "C" char** environ;

namespace {

std::atomic<long> operations = 0;

const char* variable(const char* name) {
  const size_t length = std::strlen(name);
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
    if (std::strncmp(*at, name, length) == 0 && (*at)[length] == '=') return *at + length + 1;
  }
  return nullptr;
}

long number(const char* name) {
  const char* text = variable(name);
  long value = 0;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), value);
  return value;
}

bool must_fail() {
  const long count = ++operations;
  const long fail_at = number("SHIM_FAIL_AT");
  const bool fails =
      count == fail_at || (fail_at > 0 && count > fail_at && number("SHIM_STAYS") != 0);
  if (fails) errno = static_cast<int>(number("SHIM_ERRNO"));
  return fails;
}

bool is_file(int descriptor) {
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

template <typename Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

struct WriteCount {
  ~WriteCount() {
    const char* path = variable("SHIM_COUNT");
    if (path == nullptr) return;
    if (std::FILE* file = std::fopen(path, "w")) {
      std::fprintf(file, "%ld", operations.load());
      std::fclose(file);
    }
  }
} write_count;

}  // namespace

#define SHIM __attribute__((visibility("default")))

extern "C" {

SHIM ssize_t write(int descriptor, const void* data, size_t size) {
  if (is_file(descriptor) && must_fail()) return -1;
  return real<ssize_t (*)(int, const void*, size_t)>("write")(descriptor, data, size);
}

SHIM ssize_t pwrite(int descriptor, const void* data, size_t size, off_t at) {
  if (must_fail()) return -1;
  return real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite")(descriptor, data, size, at);
}

SHIM ssize_t pwrite64(int descriptor, const void* data, size_t size, off64_t at) {
  if (must_fail()) return -1;
  return real<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64")(descriptor, data, size,
                                                                          at);
}

SHIM int fsync(int descriptor) {
  if (must_fail()) return -1;
  return real<int (*)(int)>("fsync")(descriptor);
}

SHIM int ftruncate(int descriptor, off_t size) {
  if (must_fail()) return -1;
  return real<int (*)(int, off_t)>("ftruncate")(descriptor, size);
}

SHIM int rename(const char* from, const char* to) {
  if (must_fail()) return -1;
  return real<int (*)(const char*, const char*)>("rename")(from, to);
}

SHIM int unlink(const char* path) {
  if (must_fail()) return -1;
  return real<int (*)(const char*)>("unlink")(path);
}

SHIM int mkdir(const char* path, mode_t mode) {
  if (must_fail()) return -1;
  return real<int (*)(const char*, mode_t)>("mkdir")(path, mode);
}

SHIM int flock(int descriptor, int operation) {
  if (must_fail()) return -1;
  return real<int (*)(int, int)>("flock")(descriptor, operation);
}

SHIM int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if ((flags & O_ACCMODE) != O_RDONLY && std::strncmp(path, "/dev/", 5) != 0 && must_fail())
    return -1;
  return real<int (*)(const char*, int, mode_t)>("open")(path, flags, mode);
}

}  // extern "C"
