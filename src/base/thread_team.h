// A fixed team of threads that shares out loops; the caller is its first member.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace sparrow {

// Between loops the members spin for some microseconds, then sleep. Several threads may call
// for_each; their loops run one after another. The pieces of a loop must be independent: which
// member computes which piece is not fixed.
class ThreadTeam {
 public:
  // `member_count` counts the caller; 1 starts no thread.
  explicit ThreadTeam(int member_count);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int member_count() const { return static_cast<int>(threads_.size()) + 1; }

  // Calls body(begin, end) until [0, count) is covered, in pieces of at most `grain`, and returns
  // when all are done. `body` must not throw and must not call for_each.
  template <typename Body>
  void for_each(int64_t count, int64_t grain, const Body& body) {
    run({[](const void* object, int64_t begin, int64_t end) {
           (*static_cast<const Body*>(object))(begin, end);
         },
         &body, count, grain});
  }

 private:
  struct Loop {
    void (*call)(const void* body, int64_t begin, int64_t end) = nullptr;
    const void* body = nullptr;
    int64_t count = 0;
    int64_t grain = 1;
  };

  void run(const Loop& loop);
  void run_pieces(const Loop& loop);
  void work();

  std::mutex one_loop_;
  Loop loop_;  // written while nobody is inside, published through state_
  // Who may join: a loop number in the upper half, an open flag, and how many workers are inside.
  alignas(64) std::atomic<uint32_t> state_{0};
  alignas(64) std::atomic<int64_t> next_{0};  // first index nobody has taken
  std::atomic<bool> is_stopping_{false};
  std::vector<std::thread> threads_;
};

}  // namespace sparrow
