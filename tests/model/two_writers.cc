#include "tests/model/two_writers.h"

#include <algorithm>

namespace bco::model {
namespace {

struct Patch {
  Registration to;
  bool creates = false;
  friend auto operator<=>(const Patch&, const Patch&) = default;
};

// What a pass has found out, and means to do.
struct Writer {
  int passesLeft = 0;
  std::size_t next = 0;  // in the order
  Key stored = 0;
  std::optional<Registration> registration;
  Key chosen = 0;  // the key that this pass delivers
  int made = 0;    // keys of his own
  friend auto operator<=>(const Writer&, const Writer&) = default;
};

struct State {
  Registration registration;
  Key stored = 0;
  bool wasConnected = false;
  std::array<Writer, 2> writers;
  std::vector<Patch> latePatches;
  std::vector<Key> lateKeys;
  friend auto operator<=>(const State&, const State&) = default;
};

bool holds(const std::vector<Key>& keys, Key key) {
  return key != 0 && std::ranges::find(keys, key) != keys.end();
}

class Search {
 public:
  explicit Search(const Setting& setting) : setting_(setting) {}

  Found run() {
    State first;
    first.registration = setting_.registration;
    first.stored = setting_.stored;
    for (Writer& writer : first.writers) writer.passesLeft = setting_.passes;
    look(first);
    const bool isUnsafe = explore(first);
    return {isUnsafe ? std::optional(path_) : std::nullopt, seen_.size()};
  }

 private:
  // Generation g of derived keys is key g + 1.
  static Key derived(int generation) { return generation + 1; }

  static bool isConnected(const State& state) {
    return state.registration.exists && holds(state.registration.credentials, state.stored);
  }
  static void look(State& state) { state.wasConnected |= isConnected(state); }

  bool explore(const State& state) {
    if (state.wasConnected && !isConnected(state)) return true;
    if (!seen_.insert(state).second) return false;
    for (std::size_t who = 0; who < setting_.writers; ++who) {
      if (state.writers[who].passesLeft > 0 && step(state, who)) return true;
    }
    for (std::size_t i = 0; i < state.latePatches.size(); ++i) {
      State after = state;
      after.latePatches.erase(after.latePatches.begin() + static_cast<std::ptrdiff_t>(i));
      (void)apply(after, state.latePatches[i]);
      if (go(std::move(after), "a late PATCH lands")) return true;
    }
    for (std::size_t i = 0; i < state.lateKeys.size(); ++i) {
      State after = state;
      after.lateKeys.erase(after.lateKeys.begin() + static_cast<std::ptrdiff_t>(i));
      after.stored = state.lateKeys[i];
      if (go(std::move(after), "a late variable lands")) return true;
    }
    return false;
  }

  bool go(State state, const std::string& what) {
    look(state);
    path_.push_back(what);
    if (explore(state)) return true;
    path_.pop_back();
    return false;
  }

  bool step(const State& state, std::size_t who) {
    const std::string name = who == 0 ? "A " : "B ";
    switch (setting_.orders[who][state.writers[who].next]) {
      case Call::kReadVariable: {
        State after = state;
        after.writers[who].stored = state.stored;
        advance(after.writers[who], who);
        return go(std::move(after), name + "reads the variable");
      }
      case Call::kReadRegistration: {
        State after = state;
        after.writers[who].registration = state.registration;
        advance(after.writers[who], who);
        return go(std::move(after), name + "reads the registration");
      }
      case Call::kReadRegistrationAgain: {
        State after = state;
        Writer& writer = after.writers[who];
        const bool isThere = writer.registration->exists && writer.stored != 0;
        const bool isListed = holds(writer.registration->credentials, writer.stored);
        if (isThere && !isListed) writer.registration = state.registration;
        advance(writer, who);
        return go(std::move(after), name + "reads the registration again, or knows the key");
      }
      case Call::kPatch:
        return patch(state, who, name);
      case Call::kWriteVariable:
        return write(state, who, name);
    }
    return false;
  }

  void advance(Writer& writer, std::size_t who) const {
    if (++writer.next == setting_.orders[who].size()) begin(writer);
  }
  static void begin(Writer& writer) {
    const int passes = writer.passesLeft - 1;
    const int made = writer.made;
    writer = {};
    writer.passesLeft = passes;
    writer.made = made;
  }

  // The key this pass is to deliver, and what the registration must become for it; nullopt: it may
  // stay.
  std::optional<Patch> decide(Writer& writer, std::size_t who) const {
    const Registration& read = *writer.registration;
    if (setting_.keys == Keys::kRandom) {
      const bool isFine = read.exists && holds(read.credentials, writer.stored) &&
                          !(setting_.rotationIsDue && read.generation == 0);
      if (isFine && writer.chosen == 0) return std::nullopt;
      if (writer.chosen == 0) writer.chosen = ownKey(writer, who);
      return with(read, writer.chosen, writer.stored, read.exists ? read.generation + 1 : 0);
    }
    if (!read.exists) {
      writer.chosen = derived(0);
      return with(read, writer.chosen, writer.stored, 0);
    }
    const int newest = read.generation;
    const bool isRegistered = holds(read.credentials, derived(newest));
    const bool isStored = writer.stored == derived(newest);
    const bool isDue = setting_.rotationIsDue && newest == 0;
    const bool rotates = isDue && (isStored ? isRegistered || setting_.patchRotates
                                            : !isRegistered && setting_.patchRotates);
    const int generation = rotates ? newest + 1 : newest;
    if (isStored && isRegistered && !rotates) return std::nullopt;
    writer.chosen = derived(generation);
    if (holds(read.credentials, writer.chosen)) return std::nullopt;
    return with(read, writer.chosen, writer.stored, generation);
  }

  static Key ownKey(Writer& writer, std::size_t who) {
    return static_cast<Key>(10 * (who + 1)) + ++writer.made;
  }

  // What was read and `key`; when there are more than three, less the oldest that is not stored.
  static Patch with(const Registration& read, Key key, Key stored, int generation) {
    Patch patch{{true, read.credentials, generation}, !read.exists};
    auto& credentials = patch.to.credentials;
    if (credentials.size() == 3) {
      const auto oldest =
          std::ranges::find_if(credentials, [&](Key each) { return each != stored; });
      if (oldest != credentials.end()) credentials.erase(oldest);
    }
    if (!holds(credentials, key)) credentials.push_back(key);
    return patch;
  }

  // False: a create that finds somebody else's.
  static bool apply(State& state, const Patch& patch) {
    if (patch.creates && state.registration.exists) return false;
    state.registration = patch.to;
    return true;
  }

  bool patch(const State& state, std::size_t who, const std::string& name) {
    State after = state;
    Writer& writer = after.writers[who];
    const auto wanted = decide(writer, who);
    if (!wanted) {
      advance(writer, who);
      return go(std::move(after), name + "has nothing to register");
    }
    const Writer decided = writer;
    if (apply(after, *wanted)) {
      advance(after.writers[who], who);
    } else {
      begin(after.writers[who]);  // 409: an observation
    }
    if (go(std::move(after), name + "registers key " + std::to_string(decided.chosen))) return true;
    if (!setting_.late) return false;
    State later = state;
    later.writers[who] = decided;
    begin(later.writers[who]);
    later.latePatches.push_back(*wanted);
    return go(std::move(later),
              name + "gives up on a PATCH with key " + std::to_string(decided.chosen));
  }

  bool write(const State& state, std::size_t who, const std::string& name) {
    State after = state;
    Writer& writer = after.writers[who];
    // Where the variable comes before the PATCH.
    if (writer.chosen == 0 && writer.registration) {
      (void)decide(writer, who);
    } else if (writer.chosen == 0 && setting_.keys == Keys::kRandom) {
      writer.chosen = ownKey(writer, who);
    }
    const Key key = writer.chosen;
    advance(writer, who);
    if (key == 0) return go(std::move(after), name + "has nothing to store");
    State later = after;
    after.stored = key;
    if (go(std::move(after), name + "stores key " + std::to_string(key))) return true;
    if (!setting_.late) return false;
    later.writers[who] = state.writers[who];
    begin(later.writers[who]);
    later.lateKeys.push_back(key);
    return go(std::move(later), name + "gives up on storing key " + std::to_string(key));
  }

  const Setting& setting_;
  std::set<State> seen_;
  std::vector<std::string> path_;
};

}  // namespace

Found search(const Setting& setting) { return Search(setting).run(); }

}  // namespace bco::model
