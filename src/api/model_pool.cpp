#include "api/model_pool.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/memory_info.h"

namespace sparrow {

using Clock = std::chrono::steady_clock;

namespace {

int64_t bytes_of(const Engine& engine) {
  return engine.info().weight_bytes + engine.info().kv_cache_bytes;
}

}  // namespace

struct ModelPool::Entry {
  std::string model;               // empty once it is forgotten
  std::shared_ptr<Engine> engine;  // null while it is loaded
  std::optional<std::chrono::milliseconds> keep_alive;
  Clock::time_point last_use;
  bool is_to_go = false;

  bool is_used() const { return engine == nullptr || engine.use_count() > 1; }
  int64_t bytes() const { return engine == nullptr ? 0 : bytes_of(*engine); }
};

ModelPool::ModelPool(ModelPoolOptions options)
    : options_(std::move(options)), thread_([this] { run(); }) {}

ModelPool::~ModelPool() {
  {
    const std::scoped_lock lock(mutex_);
    is_closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ModelPool::run() {
  constexpr std::chrono::milliseconds kOften{500};
  std::unique_lock lock(mutex_);
  while (!is_closing_) {
    changed_.wait_for(lock, kOften);
    lock.unlock();
    unload_expired();
    lock.lock();
  }
}

ModelPool::Entry* ModelPool::find(const std::string& model) {
  const auto found =
      std::ranges::find_if(entries_, [&](const auto& entry) { return entry->model == model; });
  return found == entries_.end() ? nullptr : found->get();
}

std::shared_ptr<Engine> ModelPool::acquire(
    const std::string& model, std::optional<std::optional<std::chrono::milliseconds>> keep_alive) {
  std::unique_lock lock(mutex_);
  // Somebody else may be loading it; if that fails, it is this caller's turn.
  while (Entry* entry = find(model)) {
    if (entry->engine == nullptr) {
      changed_.wait(lock);
      continue;
    }
    if (keep_alive) entry->keep_alive = *keep_alive;
    entry->is_to_go = false;
    entry->last_use = options_.now();
    const auto place =
        std::ranges::find_if(entries_, [&](const auto& other) { return other.get() == entry; });
    std::rotate(entries_.begin(), place, place + 1);
    return entry->engine;
  }
  const auto entry = entries_.insert(entries_.begin(), std::make_unique<Entry>())->get();
  entry->model = model;
  entry->keep_alive = keep_alive.value_or(options_.keep_alive);
  const auto give_up = [&] {
    std::erase_if(entries_, [&](const auto& other) { return other.get() == entry; });
    changed_.notify_all();
  };
  while (options_.max_models > 0 && std::ssize(entries_) > options_.max_models) {
    if (unload_longest_unused()) continue;
    give_up();
    fail(ErrorCode::out_of_memory, "{} cannot be loaded: {} models are in use, and no more may be",
         model, options_.max_models);
  }
  while (true) {
    lock.unlock();
    std::shared_ptr<Engine> engine;
    std::exception_ptr failure;
    bool is_short_of_memory = false;
    try {
      engine = options_.load(model, options_.engine);
    } catch (const Error& error) {
      failure = std::current_exception();
      is_short_of_memory = error.code() == ErrorCode::out_of_memory;
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure && is_short_of_memory && unload_longest_unused()) continue;
    if (failure) {
      give_up();
      std::rethrow_exception(failure);
    }
    const int64_t wanted = bytes_of(*engine);
    const auto others = [&] {
      int64_t bytes = 0;
      for (const auto& other : entries_) bytes += other->bytes();
      return bytes;
    };
    while (options_.memory_bytes > 0 && others() + wanted > options_.memory_bytes) {
      if (unload_longest_unused()) continue;
      const int64_t held = others();
      give_up();
      fail(ErrorCode::out_of_memory,
           "{} needs {}, but of the {} for models {} are held by others in use", model,
           format_bytes(wanted), format_bytes(options_.memory_bytes), format_bytes(held));
    }
    entry->engine = engine;
    entry->last_use = options_.now();
    changed_.notify_all();
    return engine;
  }
}

// With the mutex held. False: all are in use.
bool ModelPool::unload_longest_unused() {
  const auto last = std::find_if(entries_.rbegin(), entries_.rend(),
                                 [](const auto& entry) { return !entry->is_used(); });
  if (last == entries_.rend()) return false;
  entries_.erase(std::next(last).base());
  return true;
}

bool ModelPool::unload(const std::string& model) {
  {
    const std::scoped_lock lock(mutex_);
    Entry* entry = find(model);
    if (entry == nullptr || entry->engine == nullptr) return false;
    entry->is_to_go = true;
  }
  unload_expired();
  return true;
}

void ModelPool::forget(const std::string& model) {
  {
    const std::scoped_lock lock(mutex_);
    Entry* entry = find(model);
    if (entry == nullptr) return;
    entry->model.clear();
    entry->is_to_go = true;
  }
  changed_.notify_all();
  unload_expired();
}

void ModelPool::unload_expired() {
  std::vector<std::unique_ptr<Entry>> expired;  // destroyed without the mutex: it takes a moment
  const std::scoped_lock lock(mutex_);
  const Clock::time_point now = options_.now();
  for (const auto& entry : entries_) {
    if (entry->is_used()) entry->last_use = now;
  }
  const auto stays = [&](const auto& entry) {
    if (entry->is_used()) return true;
    if (entry->is_to_go) return false;
    return !entry->keep_alive || now - entry->last_use < *entry->keep_alive;
  };
  const auto first = std::stable_partition(entries_.begin(), entries_.end(), stays);
  std::move(first, entries_.end(), std::back_inserter(expired));
  entries_.erase(first, entries_.end());
}

std::vector<LoadedModel> ModelPool::list() const {
  const std::scoped_lock lock(mutex_);
  std::vector<LoadedModel> models;
  for (const auto& entry : entries_) {
    if (entry->engine == nullptr || entry->model.empty()) continue;
    LoadedModel model = {.name = entry->model,
                         .info = entry->engine->info(),
                         .stats = entry->engine->stats(),
                         .bytes = entry->bytes(),
                         .is_used = entry->is_used()};
    if (entry->keep_alive) {
      const auto idle =
          std::chrono::duration_cast<std::chrono::milliseconds>(options_.now() - entry->last_use);
      model.time_left = std::max(std::chrono::milliseconds(0), *entry->keep_alive - idle);
    }
    models.push_back(std::move(model));
  }
  return models;
}

}  // namespace sparrow
