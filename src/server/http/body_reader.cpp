#include "server/http/body_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace sparrow::http {

BodyReader::BodyReader(const RequestHead& head, const Limits& limits, size_t most_bytes,
                       std::shared_ptr<BodySink> sink)
    : most_bytes_(most_bytes), left_(head.content_length), sink_(std::move(sink)) {
  const std::string_view coding = head.headers.value("content-encoding");
  is_compressed_ = !coding.empty() && !equals_ignoring_case(coding, "identity");
  decoder_ = ContentDecoder::of(coding);
  if (head.is_chunked) chunks_.emplace(limits, most_bytes);
  if (!head.has_body()) {
    is_whole_ = true;
  } else if (decoder_ == nullptr) {
    refuse(415, fmt::format("the body's Content-Encoding must be one of {}", kAcceptedCodings));
    failure_->headers.add("Accept-Encoding", std::string(kAcceptedCodings));
  } else if (left_ > most_bytes_) {
    refuse(413, fmt::format("the body has {} bytes, more than the {} allowed", left_, most_bytes_));
  }
}

void BodyReader::refuse(int status, std::string message) {
  if (!failure_) failure_ = Failure{.status = status, .message = std::move(message)};
}

size_t BodyReader::read(std::string_view bytes) {
  if (is_whole_ || failure_) return 0;
  size_t taken = 0;
  if (chunks_) {
    std::string raw;
    taken = chunks_->decode(bytes, raw);
    decompress(raw);
    if (chunks_->is_malformed()) refuse(400, "the chunked body is malformed");
    if (chunks_->is_too_large()) refuse_size();
    if (chunks_->is_whole()) end();
  } else {
    taken = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
    left_ -= taken;
    decompress(bytes.substr(0, taken));
    if (left_ == 0) end();
  }
  received_bytes_ += taken;
  return taken;
}

void BodyReader::refuse_size() {
  refuse(413, fmt::format("the body has more than {} bytes", most_bytes_));
}

void BodyReader::decompress(std::string_view bytes) {
  if (bytes.empty()) return;
  has_content_ = true;
  status_ = decoder_->decode(bytes, most_bytes_ - poured_bytes_, content_);
  if (status_ == ContentDecoder::Status::too_large) refuse_size();
  if (status_ == ContentDecoder::Status::malformed)
    refuse(400, "the body's compression is malformed");
  if (sink_ != nullptr && !failure_) pour();
}

void BodyReader::pour() {
  try {
    sink_->write(content_);
  } catch (const Error& error) {
    failure_ = failure_of(error);
  }
  poured_bytes_ += content_.size();
  content_.clear();
}

void BodyReader::end() {
  if (failure_) return;
  if (is_compressed_ && status_ != ContentDecoder::Status::whole && has_content_) {
    refuse(400, "the body's compression ends too early");
    return;
  }
  is_whole_ = true;
}

}  // namespace sparrow::http
