#include "sparrow/model_pool.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>
#include <tuple>
#include <utility>

#include "api/model_pool_access.h"
#include "api/model_source.h"
#include "base/error.h"
#include "base/memory_info.h"

namespace sparrow {

namespace {

using Clock = std::chrono::steady_clock;
using OpenModel = std::function<OpenedModel()>;

int64_t bytes_of(const EngineInfo& info, const EngineStats& stats) {
  return info.weight_bytes + info.kv_cache_bytes + info.workspace_bytes + stats.adapter_bytes;
}

// Equal for one and the same content: a manifest, or a file as it is now.
std::string identity_of_stored(const StoredModel& stored) {
  if (!stored.digest.empty()) return stored.name.full_text() + "@" + stored.digest;
  std::error_code error;  // what cannot be read is said when it is opened
  const std::filesystem::path path = std::filesystem::weakly_canonical(stored.model_path, error);
  const auto time = std::filesystem::last_write_time(path, error);
  return fmt::format("{} {} {}", path.string(), stored.size_bytes, time.time_since_epoch().count());
}

// Whether engines loaded with them are alike.
bool same_engine(const EngineOptions& a, const EngineOptions& b) {
  const auto what_counts = [](const EngineOptions& options) {
    return std::tie(options.context_length, options.kv_cache_type, options.kv_cache_bytes,
                    options.max_sequences, options.thread_count, options.activations,
                    options.prefill_chunk, options.rope_scaling);
  };
  return what_counts(a) == what_counts(b);
}

}  // namespace

class ModelPool::Impl : public std::enable_shared_from_this<ModelPool::Impl> {
 public:
  Impl(ModelPoolOptions options, ModelPoolHooks hooks)
      : options_(std::move(options)), hooks_(std::move(hooks)), thread_([this] { run(); }) {}
  void close();

  std::shared_ptr<Engine> acquire(const std::string& name, const StoredModel& stored,
                                  const OpenModel& open, const AcquireOptions& options);
  bool unload(const std::string& model);
  void forget(const std::string& model);
  std::vector<LoadedModel> list() const;
  void unload_expired();
  const EngineOptions& engine_options(const AcquireOptions& options) const {
    return options.engine ? *options.engine : options_.engine;
  }

 private:
  struct Entry {
    std::string name;      // empty once it is forgotten
    std::string identity;  // the same
    EngineOptions options;
    std::shared_ptr<Engine> engine;  // null while it is loaded
    KeepAlive keep_alive;
    Clock::time_point last_use;
    bool is_to_go = false;

    bool is_used() const { return engine == nullptr || engine.use_count() > 1; }
    int64_t bytes() const {
      return engine == nullptr ? 0 : bytes_of(engine->info(), engine->stats());
    }
  };
  using Entries = std::vector<std::unique_ptr<Entry>>;

  Entry* find(const std::string& identity, const EngineOptions& options);
  Entry* enter(const std::string& name, const std::string& identity, const AcquireOptions& options);
  std::shared_ptr<Engine> load(const Entry* entry, const OpenModel& open,
                               const EngineOptions& options);
  std::unique_ptr<Entry> take_longest_unused();
  bool unload_longest_unused(std::unique_lock<std::mutex>& lock);
  int64_t available_bytes(const Entry* entry, int64_t promised_bytes) const;
  int64_t total_bytes() const;
  std::string used_text() const;
  void run();

  const ModelPoolOptions options_;
  const ModelPoolHooks hooks_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Entries entries_;          // the most recently used first
  bool is_loading_ = false;  // one at a time: what it takes must be known to the next
  bool is_closing_ = false;
  std::thread thread_;
};

void ModelPool::Impl::close() {
  {
    const std::scoped_lock lock(mutex_);
    is_closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
  Entries gone;  // destroyed without the mutex
  const std::scoped_lock lock(mutex_);
  gone.swap(entries_);
}

void ModelPool::Impl::run() {
  constexpr std::chrono::milliseconds kOften{500};
  std::unique_lock lock(mutex_);
  while (!is_closing_) {
    changed_.wait_for(lock, kOften);
    lock.unlock();
    unload_expired();
    lock.lock();
  }
}

ModelPool::Impl::Entry* ModelPool::Impl::find(const std::string& identity,
                                              const EngineOptions& options) {
  const auto found = std::ranges::find_if(entries_, [&](const auto& entry) {
    return entry->identity == identity && same_engine(entry->options, options);
  });
  return found == entries_.end() ? nullptr : found->get();
}

std::shared_ptr<Engine> ModelPool::Impl::acquire(const std::string& name, const StoredModel& stored,
                                                 const OpenModel& open,
                                                 const AcquireOptions& options) {
  const std::string identity = identity_of_stored(stored);
  std::unique_lock lock(mutex_);
  while (true) {
    Entry* entry = find(identity, engine_options(options));
    if (entry != nullptr && entry->engine != nullptr) {
      if (options.keep_alive) entry->keep_alive = *options.keep_alive;
      entry->is_to_go = false;
      entry->last_use = hooks_.now();
      const auto place =
          std::ranges::find_if(entries_, [&](const auto& other) { return other.get() == entry; });
      std::rotate(entries_.begin(), place, place + 1);
      return entry->engine;
    }
    if (!is_loading_) break;
    changed_.wait(lock);  // somebody loads; if it is this one and fails, it is this caller's turn
  }
  is_loading_ = true;
  Entry* entry = enter(name, identity, options);
  lock.unlock();
  std::shared_ptr<Engine> engine;
  std::exception_ptr failure;
  try {
    engine = load(entry, open, engine_options(options));
  } catch (...) {
    failure = std::current_exception();
  }
  lock.lock();
  is_loading_ = false;
  if (failure) {
    std::erase_if(entries_, [&](const auto& other) { return other.get() == entry; });
  } else {
    entry->engine = engine;
    entry->last_use = hooks_.now();
  }
  changed_.notify_all();
  if (failure) std::rethrow_exception(failure);
  return engine;
}

// With the mutex held.
ModelPool::Impl::Entry* ModelPool::Impl::enter(const std::string& name, const std::string& identity,
                                               const AcquireOptions& options) {
  auto entry = std::make_unique<Entry>();
  entry->name = name;
  entry->identity = identity;
  entry->options = engine_options(options);
  entry->options.on_progress = nullptr;  // this caller's alone
  entry->keep_alive = options.keep_alive.value_or(options_.keep_alive);
  return entries_.insert(entries_.begin(), std::move(entry))->get();
}

// Without the mutex, by whoever has set is_loading_.
std::shared_ptr<Engine> ModelPool::Impl::load(const Entry* entry, const OpenModel& open,
                                              const EngineOptions& options) {
  unload_expired();
  const OpenedModel opened = open();
  std::unique_lock lock(mutex_);
  while (options_.max_models > 0 && std::ssize(entries_) > options_.max_models) {
    if (unload_longest_unused(lock)) continue;
    fail(ErrorCode::out_of_memory, "{} cannot be loaded: {} models are in use, and no more may be",
         opened.name(), options_.max_models);
  }
  while (true) {
    MemoryLimits limits;
    // A pool that is gone limits nothing.
    limits.available_bytes = [pool = weak_from_this(), entry](int64_t promised_bytes) {
      const std::shared_ptr<Impl> living = pool.lock();
      return living ? living->available_bytes(entry, promised_bytes)
                    : available_memory_bytes() - promised_bytes;
    };
    // Idle models give way before the context does.
    limits.may_reduce_context =
        std::ranges::all_of(entries_, [](const auto& other) { return other->is_used(); });
    lock.unlock();
    std::string refusal;
    std::shared_ptr<Engine> engine;
    try {
      engine = hooks_.load(opened, options, limits);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::out_of_memory) throw;
      refusal = error.what();
    }
    lock.lock();
    // Packed weights may take more than the file's.
    while (engine && options_.memory_bytes > 0) {
      const int64_t wanted = bytes_of(engine->info(), engine->stats());
      if (total_bytes() + wanted <= options_.memory_bytes) break;
      if (unload_longest_unused(lock)) continue;
      refusal = fmt::format("{} needs {} of the {} for models", opened.name(), format_bytes(wanted),
                            format_bytes(options_.memory_bytes));
      engine.reset();
    }
    if (engine) return engine;
    if (unload_longest_unused(lock)) continue;
    fail(ErrorCode::out_of_memory, "{}{}", refusal, used_text());
  }
}

// With the mutex held. Null: all are in use.
std::unique_ptr<ModelPool::Impl::Entry> ModelPool::Impl::take_longest_unused() {
  const auto last = std::find_if(entries_.rbegin(), entries_.rend(),
                                 [](const auto& entry) { return !entry->is_used(); });
  if (last == entries_.rend()) return nullptr;
  const auto place = std::next(last).base();
  std::unique_ptr<Entry> entry = std::move(*place);
  entries_.erase(place);
  return entry;
}

// False: all are in use.
bool ModelPool::Impl::unload_longest_unused(std::unique_lock<std::mutex>& lock) {
  std::unique_ptr<Entry> gone = take_longest_unused();
  if (gone == nullptr) return false;
  lock.unlock();
  gone.reset();
  lock.lock();
  return true;
}

// For `entry`, whose engine may still take `promised_bytes` of its cache.
int64_t ModelPool::Impl::available_bytes(const Entry* entry, int64_t promised_bytes) const {
  int64_t available = available_memory_bytes() - promised_bytes;
  const std::scoped_lock lock(mutex_);
  for (const auto& other : entries_) {
    if (other.get() == entry || other->engine == nullptr) continue;
    // Caches are taken from the system as they are written.
    const EngineStats stats = other->engine->stats();
    available -= other->engine->info().kv_cache_bytes / stats.block_count * stats.free_block_count;
  }
  if (options_.memory_bytes == 0) return available;
  return std::min(available, options_.memory_bytes - total_bytes());
}

// With the mutex held.
int64_t ModelPool::Impl::total_bytes() const {
  int64_t bytes = 0;
  for (const auto& entry : entries_) bytes += entry->bytes();
  return bytes;
}

// With the mutex held: "; in use are b.gguf (1.0 GiB), c.gguf (2.0 GiB)".
std::string ModelPool::Impl::used_text() const {
  std::vector<std::string> texts;
  for (const auto& entry : entries_) {
    if (entry->engine == nullptr) continue;
    texts.push_back(
        fmt::format("{} ({})", entry->engine->info().name, format_bytes(entry->bytes())));
  }
  if (texts.empty()) return "";
  return fmt::format("; in use are {}", fmt::join(texts, ", "));
}

bool ModelPool::Impl::unload(const std::string& model) {
  std::string identity;
  try {
    identity = identity_of_stored(find_model(model));
  } catch (const Error&) {
    // What is not here any more may still be loaded, by that name.
  }
  bool is_loaded = false;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& entry : entries_) {
      if (entry->engine == nullptr || entry->name.empty()) continue;
      if (entry->name != model && entry->identity != identity) continue;
      entry->is_to_go = true;
      is_loaded = true;
    }
  }
  unload_expired();
  return is_loaded;
}

void ModelPool::Impl::forget(const std::string& model) {
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& entry : entries_) {
      if (entry->name != model) continue;
      entry->name.clear();
      entry->identity.clear();
      entry->is_to_go = true;
    }
  }
  changed_.notify_all();
  unload_expired();
}

void ModelPool::Impl::unload_expired() {
  Entries expired;  // destroyed without the mutex: it takes a moment
  const std::scoped_lock lock(mutex_);
  const Clock::time_point now = hooks_.now();
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

std::vector<LoadedModel> ModelPool::Impl::list() const {
  const std::scoped_lock lock(mutex_);
  std::vector<LoadedModel> models;
  for (const auto& entry : entries_) {
    if (entry->engine == nullptr || entry->name.empty()) continue;
    LoadedModel model = {.name = entry->name,
                         .info = entry->engine->info(),
                         .stats = entry->engine->stats(),
                         .is_used = entry->is_used()};
    model.bytes = bytes_of(model.info, model.stats);
    if (entry->keep_alive) {
      const auto idle =
          std::chrono::duration_cast<std::chrono::milliseconds>(hooks_.now() - entry->last_use);
      model.time_left = std::max(std::chrono::milliseconds(0), *entry->keep_alive - idle);
    }
    models.push_back(std::move(model));
  }
  return models;
}

ModelPool::ModelPool(ModelPoolOptions options)
    : ModelPool(std::make_shared<Impl>(std::move(options), ModelPoolHooks())) {}
ModelPool::ModelPool(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
ModelPool::~ModelPool() { impl_->close(); }

std::shared_ptr<Engine> ModelPool::acquire(const std::string& model,
                                           const AcquireOptions& options) {
  const StoredModel stored = find_or_pull(model, impl_->engine_options(options));
  return ModelPoolAccess::acquire(*this, model, stored, options);
}

bool ModelPool::unload(const std::string& model) { return impl_->unload(model); }
void ModelPool::forget(const std::string& model) { impl_->forget(model); }
std::vector<LoadedModel> ModelPool::list() const { return impl_->list(); }
void ModelPool::unload_expired() { impl_->unload_expired(); }

std::unique_ptr<ModelPool> ModelPoolAccess::make(ModelPoolOptions options,
                                                 const ModelPoolHooks& hooks) {
  return std::unique_ptr<ModelPool>(
      new ModelPool(std::make_shared<ModelPool::Impl>(std::move(options), hooks)));
}

std::shared_ptr<Engine> ModelPoolAccess::acquire(ModelPool& pool, const std::string& name,
                                                 const StoredModel& stored,
                                                 const AcquireOptions& options) {
  return pool.impl_->acquire(
      name, stored, [&] { return open_model(stored); }, options);
}

std::shared_ptr<Engine> ModelPoolAccess::acquire(ModelPool& pool, const std::string& name,
                                                 const OpenedModel& opened,
                                                 const AcquireOptions& options) {
  return pool.impl_->acquire(
      name, opened.stored, [&] { return opened; }, options);
}

}  // namespace sparrow
