#include "tests/sim/secrets.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "core/text.h"

namespace bco::sim {
namespace {

std::uint64_t gramAt(std::string_view text, std::size_t at) {
  std::uint64_t gram = 0;
  std::memcpy(&gram, text.data() + at, sizeof gram);
  return gram;
}

// Where in the DER of a PKCS#8 key the 32 bytes are that make it, which is no part of it.
constexpr std::size_t kScalarAt = 36;
constexpr std::size_t kScalarBytes = 32;
constexpr std::size_t kPemLine = 64;

}  // namespace

void Secrets::addForm(std::string form) {
  if (form.size() < kGram) return;
  for (std::size_t offset = 0; offset + kGram <= form.size(); offset += kGram) {
    const std::uint64_t gram = gramAt(form, offset);
    filter_.set(slotOf(gram));
    grams_.emplace(gram, Place{forms_.size(), offset});
  }
  forms_.push_back(std::move(form));
}

// Of bytes that may stand anywhere in what was encoded: with none, one or two before them.
void Secrets::addBase64(std::string_view bytes) {
  for (const std::size_t before : {0U, 1U, 2U}) {
    std::string form = toBase64(std::string(before, '\0') + std::string(bytes));
    const std::size_t mixed = before == 0 ? 0 : before + 1;  // characters
    form.erase(0, mixed);
    if (form.ends_with('=')) form.erase(form.find('=') - 1);
    std::string urlForm = form;
    std::ranges::replace(urlForm, '+', '-');
    std::ranges::replace(urlForm, '/', '_');
    addForm(std::move(form));
    addForm(std::move(urlForm));
  }
}

void Secrets::add(std::string_view bytes) {
  addForm(std::string(bytes));
  addBase64(bytes);
  std::string hex = toHex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  addForm(hex);
  std::ranges::transform(hex, hex.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  addForm(std::move(hex));
}

void Secrets::addKey(std::string_view variableValue) {
  const auto pem = fromBase64(variableValue);
  if (!pem) return;
  const std::size_t begin = pem->find('\n');
  const std::size_t end = pem->rfind("\n-----");
  if (begin == std::string::npos || end <= begin) return;
  std::string body = pem->substr(begin + 1, end - begin - 1);
  std::erase(body, '\n');
  const auto der = fromBase64(body);
  if (!der || der->size() < kScalarAt + kScalarBytes) return;
  add(std::string_view(*der).substr(kScalarAt, kScalarBytes));
  // The number's part of each line, which the base64 of it above need not be in one piece.
  constexpr std::size_t kFrom = kScalarAt / 3 * 4;
  constexpr std::size_t kTo = (kScalarAt + kScalarBytes) / 3 * 4;
  for (std::size_t line = kFrom; line < kTo; line += kPemLine - line % kPemLine) {
    addForm(body.substr(line, std::min(kPemLine - line % kPemLine, kTo - line)));
  }
  // And of the value, from within the first such line on.
  const std::size_t from = (begin + 1 + kFrom + 2) / 3 * 4;
  const std::size_t to = (begin + 1 + kTo) / 3 * 4;
  addForm(std::string(variableValue.substr(from, to - from)));
}

bool Secrets::isStretch(std::string_view text, std::size_t at, const Place& place) const {
  const std::string& form = forms_[place.form];
  std::size_t before = 0;
  while (before < at && before < place.offset &&
         text[at - before - 1] == form[place.offset - before - 1]) {
    ++before;
  }
  std::size_t length = 0;
  while (at + length < text.size() && place.offset + length < form.size() &&
         text[at + length] == form[place.offset + length]) {
    ++length;
  }
  return before + length >= std::min(kStretch, form.size());
}

bool Secrets::areIn(std::string_view text) const {
  for (std::size_t at = 0; at + kGram <= text.size(); ++at) {
    const std::uint64_t gram = gramAt(text, at);
    if (!filter_.test(slotOf(gram))) continue;
    const auto [first, last] = grams_.equal_range(gram);
    for (auto each = first; each != last; ++each) {
      if (isStretch(text, at, each->second)) return true;
    }
  }
  return false;
}

}  // namespace bco::sim
