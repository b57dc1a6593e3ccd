#include "apps/cli/line_editor.h"

#include <histedit.h>
#include <langinfo.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>
#include <utf8proc.h>

#include <array>
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cwchar>
#include <deque>

#include "apps/cli/display_text.h"
#include "apps/cli/input_history.h"
#include "apps/cli/interrupt.h"
#include "apps/cli/progress_bar.h"
#include "base/error.h"

namespace sparrow::cli {
namespace {

// The terminal marks the beginning and the end of pasted text, or stops doing so.
void mark_paste(bool is_on) {
  if (!stderr_is_terminal()) return;  // a dumb one would show the request
  std::fputs(is_on ? "\x1b[?2004h" : "\x1b[?2004l", stdout);
}

constexpr std::string_view kPasteEnd = "\x1b[201~";
constexpr wchar_t kInterruptKey = 0x03;
constexpr wchar_t kEndOfLineKey = 0x05;
constexpr wchar_t kReplacement = 0xFFFD;

// libedit decodes and measures by the C library's locale.
void use_utf8_locale() {
  std::setlocale(LC_CTYPE, "");
  if (std::string_view(nl_langinfo(CODESET)) == "UTF-8") return;
  for (const char* name : {"C.UTF-8", "en_US.UTF-8"}) {
    if (std::setlocale(LC_CTYPE, name) != nullptr) return;
  }
}

std::wstring to_wide(std::string_view text) {
  std::wstring wide;
  while (!text.empty()) {
    utf8proc_int32_t point = -1;
    const utf8proc_ssize_t size =
        utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                         static_cast<utf8proc_ssize_t>(text.size()), &point);
    wide += size > 0 ? static_cast<wchar_t>(point) : kReplacement;
    text.remove_prefix(size > 0 ? static_cast<size_t>(size) : 1);
  }
  return wide;
}

std::string to_utf8(const wchar_t* text, size_t count) {
  std::string utf8;
  for (size_t i = 0; i < count; ++i) {
    std::array<utf8proc_uint8_t, 4> bytes;
    const auto point = static_cast<utf8proc_int32_t>(text[i]);
    const utf8proc_ssize_t size = utf8proc_encode_char(
        utf8proc_codepoint_valid(point) ? point : static_cast<utf8proc_int32_t>(kReplacement),
        bytes.data());
    utf8.append(reinterpret_cast<const char*>(bytes.data()), static_cast<size_t>(size));
  }
  return utf8;
}

// Line breaks as '\n', tabs kept, other control characters dropped.
std::string clean_paste(std::string_view text) {
  std::string clean;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') {
      clean += '\n';
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    } else {
      clean += text[i];
    }
  }
  while (clean.ends_with('\n')) clean.pop_back();
  return without_control_characters(clean);
}

// libedit leaves the terminal as most programs want it: showing keys and handing over whole lines.
// That would put keys typed ahead among the model's words, and lose a Ctrl-D.
class QuietKeyboard {
 public:
  QuietKeyboard() : is_terminal_(::tcgetattr(STDIN_FILENO, &former_) == 0) {}
  ~QuietKeyboard() {
    if (is_terminal_) ::tcsetattr(STDIN_FILENO, TCSANOW, &former_);
  }
  QuietKeyboard(const QuietKeyboard&) = delete;
  QuietKeyboard& operator=(const QuietKeyboard&) = delete;

  void silence() const {
    termios quiet = former_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON);
    quiet.c_iflag &= ~static_cast<tcflag_t>(ICRNL);
    if (is_terminal_) ::tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
  }

 private:
  termios former_{};
  bool is_terminal_;
};

}  // namespace

struct LineEditor::Impl {
  Impl(const std::string& history_path, InterruptScope& interrupts);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  static Impl& of(EditLine* editor);
  void bind(const wchar_t* key, const wchar_t* function);
  bool wait_for_bytes();
  int read_key(wchar_t& key);
  unsigned char paste();
  unsigned char interrupt();
  void show_hint();
  void hide_hint();

  EditLine* editor = nullptr;
  HistoryW* history = nullptr;
  InputHistory stored;
  bool keeps_history = true;
  std::wstring prompt;
  std::string hint;
  bool may_show_hint = false;
  bool is_hint_shown = false;
  std::deque<wchar_t> keys;  // to come before the terminal's
  std::string bytes;         // of the terminal, not yet used
  InterruptScope& interrupts;
  QuietKeyboard keyboard;
  bool was_interrupted = false;
  bool was_empty = true;
};

LineEditor::Impl& LineEditor::Impl::of(EditLine* editor) {
  Impl* impl = nullptr;
  ::el_get(editor, EL_CLIENTDATA, &impl);
  return *impl;
}

void LineEditor::Impl::bind(const wchar_t* key, const wchar_t* function) {
  ::el_wset(editor, EL_BIND, key, function, nullptr);
}

LineEditor::Impl::Impl(const std::string& history_path, InterruptScope& interrupts)
    : stored(history_path), interrupts(interrupts) {
  use_utf8_locale();
  editor = ::el_init("sparrow", stdin, stdout, stderr);
  history = ::history_winit();
  if (editor == nullptr || history == nullptr) fail(ErrorCode::io, "cannot edit lines here");
  ::el_set(editor, EL_CLIENTDATA, this);
  ::el_set(editor, EL_SIGNAL, 0);
  ::el_wset(editor, EL_EDITOR, L"emacs");
  ::el_wset(
      editor, EL_PROMPT, +[](EditLine* e) { return of(e).prompt.data(); });
  ::el_wset(
      editor, EL_GETCFN, +[](EditLine* e, wchar_t* key) { return of(e).read_key(*key); });
  ::el_wset(
      editor, EL_ADDFN, L"sparrow-paste", L"insert pasted text",
      +[](EditLine* e, wint_t) { return of(e).paste(); });
  ::el_wset(
      editor, EL_ADDFN, L"sparrow-interrupt", L"give the line up",
      +[](EditLine* e, wint_t) { return of(e).interrupt(); });
  bind(L"^C", L"sparrow-interrupt");
  bind(L"\033[200~", L"sparrow-paste");
  bind(L"^I", L"ed-insert");
  bind(L"^W", L"ed-delete-prev-word");
  bind(L"^U", L"vi-kill-line-prev");
  // Home, End, Delete, and a word to the left and right, as terminals send them.
  for (const wchar_t* key : {L"\033[H", L"\033[1~", L"\033OH"}) bind(key, L"ed-move-to-beg");
  for (const wchar_t* key : {L"\033[F", L"\033[4~", L"\033OF"}) bind(key, L"ed-move-to-end");
  bind(L"\033[3~", L"ed-delete-next-char");
  bind(L"\033[1;5D", L"ed-prev-word");
  bind(L"\033[1;5C", L"em-next-word");
  HistEventW event;
  ::history_w(history, &event, H_SETSIZE, static_cast<int>(InputHistory::kMaxEntries));
  ::history_w(history, &event, H_SETUNIQUE, 1);
  for (const std::string& entry : stored.entries()) {
    ::history_w(history, &event, H_ENTER, to_wide(entry).c_str());
  }
  ::el_wset(editor, EL_HIST, ::history_w, history);
  keyboard.silence();
}

LineEditor::Impl::~Impl() {
  if (history != nullptr) ::history_wend(history);
  if (editor != nullptr) ::el_end(editor);
}

void LineEditor::Impl::show_hint() {
  if (!may_show_hint || hint.empty() || !stderr_takes_colour()) return;
  may_show_hint = false;
  const int columns = display_columns(hint);
  if (columns + static_cast<int>(prompt.size()) >= terminal_columns()) return;
  std::printf("\x1b[90m%s\x1b[0m\x1b[%dD", hint.c_str(), columns);
  std::fflush(stdout);
  is_hint_shown = true;
}

void LineEditor::Impl::hide_hint() {
  may_show_hint = false;
  if (!is_hint_shown) return;
  std::fputs("\x1b[K", stdout);
  std::fflush(stdout);
  is_hint_shown = false;
}

// False at the end of input. A signal may leave `keys` to read in place of bytes.
bool LineEditor::Impl::wait_for_bytes() {
  for (;;) {
    std::array<pollfd, 2> wanted = {
        {{STDIN_FILENO, POLLIN, 0}, {interrupts.wake_descriptor(), POLLIN, 0}}};
    const int ready = ::poll(wanted.data(), wanted.size(), may_show_hint ? 0 : -1);
    if (ready == 0) show_hint();
    may_show_hint = false;
    if (wanted[1].revents != 0) interrupts.take_wake();
    if (interrupts.is_interrupted()) {
      // To the end first, so that what follows stands below the whole line.
      keys = {kEndOfLineKey, kInterruptKey};
      return true;
    }
    const bool was_stopped = interrupts.take_continue();
    if (interrupts.take_resize()) ::el_resize(editor);
    if (was_stopped) {
      // The shell has set the terminal its own way, which libedit does not know.
      ::el_set(editor, EL_PREP_TERM, 0);
      ::el_set(editor, EL_PREP_TERM, 1);
      mark_paste(true);
      ::el_set(editor, EL_REFRESH);
    }
    if (ready <= 0 || wanted[0].revents == 0) continue;
    std::array<char, 4096> buffer;
    const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) return false;
    bytes.append(buffer.data(), static_cast<size_t>(count));
    return true;
  }
}

// As EL_GETCFN wants it: 1 with a character, 0 at the end.
int LineEditor::Impl::read_key(wchar_t& key) {
  for (;;) {
    if (!keys.empty()) {
      hide_hint();
      key = keys.front();
      keys.pop_front();
      return 1;
    }
    if (!bytes.empty()) {
      utf8proc_int32_t point = -1;
      const auto first = static_cast<unsigned char>(bytes.front());
      const size_t wanted = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
      const utf8proc_ssize_t size =
          utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(bytes.data()),
                           static_cast<utf8proc_ssize_t>(bytes.size()), &point);
      if (size > 0 || bytes.size() >= wanted) {
        hide_hint();
        key = size > 0 ? static_cast<wchar_t>(point) : kReplacement;
        bytes.erase(0, size > 0 ? static_cast<size_t>(size) : 1);
        return 1;
      }
    }
    if (!wait_for_bytes()) {
      hide_hint();
      return 0;
    }
  }
}

unsigned char LineEditor::Impl::paste() {
  constexpr size_t kMaxBytes = size_t{16} << 20;
  size_t end = bytes.find(kPasteEnd);
  while (end == std::string::npos && bytes.size() < kMaxBytes) {
    if (!wait_for_bytes() || !keys.empty()) return CC_ERROR;
    end = bytes.find(kPasteEnd);
  }
  const std::string text = clean_paste(std::string_view(bytes).substr(0, end));
  bytes.erase(0, end == std::string::npos ? bytes.size() : end + kPasteEnd.size());
  if (text.empty()) return CC_NORM;
  return ::el_winsertstr(editor, to_wide(text).c_str()) == 0 ? CC_REFRESH : CC_ERROR;
}

unsigned char LineEditor::Impl::interrupt() {
  const LineInfoW* line = ::el_wline(editor);
  was_empty = line->lastchar == line->buffer;
  was_interrupted = true;
  return CC_EOF;
}

LineEditor::LineEditor(const std::string& history_path, InterruptScope& interrupts)
    : impl_(std::make_unique<Impl>(history_path, interrupts)) {}
LineEditor::~LineEditor() = default;

InputLine LineEditor::read(std::string_view prompt, std::string_view hint) {
  impl_->interrupts.clear();
  impl_->interrupts.take_continue();
  impl_->prompt = to_wide(prompt);
  impl_->hint = hint;
  impl_->may_show_hint = true;
  impl_->was_interrupted = false;
  if (impl_->interrupts.take_resize()) ::el_resize(impl_->editor);
  mark_paste(true);
  int count = 0;
  const wchar_t* text = ::el_wgets(impl_->editor, &count);
  impl_->keyboard.silence();
  mark_paste(false);
  InputLine line;
  if (impl_->was_interrupted) {
    std::fputs("\n", stdout);
    line = {InputLine::Kind::interrupted, {}, impl_->was_empty};
  } else if (text == nullptr || count <= 0) {
    std::fputs("\n", stdout);
    line = {InputLine::Kind::end, {}, true};
  } else {
    line.text = to_utf8(text, static_cast<size_t>(count));
    if (line.text.ends_with('\n')) line.text.pop_back();
  }
  std::fflush(stdout);
  return line;
}

void LineEditor::remember(std::string_view entry) {
  if (!impl_->keeps_history || entry.empty()) return;
  HistEventW event;
  ::history_w(impl_->history, &event, H_ENTER, to_wide(entry).c_str());
  impl_->stored.add(entry);
}

void LineEditor::set_history(bool is_on) { impl_->keeps_history = is_on; }

}  // namespace sparrow::cli
