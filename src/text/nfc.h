// Canonical composition (NFC, Unicode Standard Annex 15) as the reference's normalizer does it.
#pragma once

#include <string>
#include <string_view>

namespace sparrow {

// `text` is valid UTF-8.
bool is_nfc_stable(
    std::string_view text);  // true: to_nfc would change nothing (not: if and only if)
std::string to_nfc(std::string_view text);

}  // namespace sparrow
