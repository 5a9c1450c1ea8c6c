#include "api/detail/json_status.h"

namespace bco::api {
namespace {

void readCondition(ondemand::value condition, Conditions& conditions) {
  Condition result;
  eachField(condition, [&](std::string_view key, ondemand::value value) {
    if (key == "type") {
      result.type = viewOf(value);
    } else if (key == "status") {
      result.status = viewOf(value) == "True";  // Unknown is not something to rely on
    } else if (key == "reason") {
      result.reason = viewOf(value);
    } else if (key == "message") {
      result.message = viewOf(value);
    } else if (key == "observedGeneration") {
      readInteger(value, result.observedGeneration);
    } else if (key == "lastTransitionTime") {
      result.lastTransition = timeOf(value).value_or(TimePoint());
    }
  });
  conditions.push_back(std::move(result));
}

// What the three kinds have in common. False: another field.
template <class ObjectStatus>
bool readCommon(std::string_view key, ondemand::value value, ObjectStatus& status) {
  if (key == "observedGeneration") {
    readInteger(value, status.observedGeneration);
  } else if (key == "failureCount") {
    readInteger(value, status.failureCount);
  } else if (key == "lastFailureTime") {
    status.lastFailureTime = timeOf(value);
  } else if (key == "lastHandledReconcileAt") {
    status.lastHandledReconcileAt = textOf(value);
  } else if (key == "conditions") {
    eachItem(value, [&](ondemand::value item) { readCondition(item, status.conditions); });
  } else {
    return false;
  }
  return true;
}

// A phase that only another version of us knows will be found anew.
Phase phaseOf(std::string_view name) {
  for (const Phase phase :
       {Phase::kPending, Phase::kWaiting, Phase::kReady, Phase::kFailed, Phase::kConflict,
        Phase::kSuspended, Phase::kStale, Phase::kDeprovisioning, Phase::kAbsent}) {
    if (nameOf(phase) == name) return phase;
  }
  return Phase::kPending;
}

KeyStatus readKey(ondemand::value key) {
  KeyStatus result;
  eachField(key, [&](std::string_view name, ondemand::value value) {
    if (name == "fingerprint") {
      result.fingerprint = textOf(value);
    } else if (name == "generation") {
      readInteger(value, result.generation);
    } else if (name == "issuedAt") {
      result.issuedAt = timeOf(value);
    } else if (name == "expiresAt") {
      result.expiresAt = timeOf(value);
    } else if (name == "rotateAt") {
      result.rotateAt = timeOf(value);
    } else if (name == "verifiedAt") {
      result.verifiedAt = timeOf(value);
    }
  });
  return result;
}

void readCounts(ondemand::value counts, DeviceCounts& result) {
  eachField(counts, [&](std::string_view key, ondemand::value value) {
    constexpr std::pair<std::string_view, int DeviceCounts::*> kCounts[] = {
        {"total", &DeviceCounts::total},
        {"ready", &DeviceCounts::ready},
        {"pending", &DeviceCounts::pending},
        {"waiting", &DeviceCounts::waiting},
        {"failed", &DeviceCounts::failed},
        {"conflict", &DeviceCounts::conflict},
        {"suspended", &DeviceCounts::suspended},
        {"stale", &DeviceCounts::stale},
        {"deprovisioning", &DeviceCounts::deprovisioning}};
    for (const auto& [name, count] : kCounts) {
      if (name == key) readInteger(value, result.*count);
    }
  });
}

RemovalHour readRemovalHour(ondemand::value hour) {
  RemovalHour result;
  eachField(hour, [&](std::string_view key, ondemand::value value) {
    if (key == "hour") {
      result.hour = timeOf(value).value_or(TimePoint{});
    } else if (key == "count") {
      readInteger(value, result.count);
    }
  });
  return result;
}

FailingDevice readFailing(ondemand::value device) {
  FailingDevice result;
  eachField(device, [&](std::string_view key, ondemand::value value) {
    if (key == "uuid") {
      result.uuid = textOf(value);
    } else if (key == "reason") {
      result.reason = textOf(value);
    } else if (key == "message") {
      result.message = textOf(value);
    }
  });
  return result;
}

}  // namespace

void readStatus(std::string_view key, ondemand::value value, DeviceStatus& status) {
  if (readCommon(key, value, status)) return;
  if (key == "phase") {
    status.phase = phaseOf(viewOf(value));
  } else if (key == "deviceName") {
    status.deviceName = textOf(value);
  } else if (key == "registration") {
    status.registration = textOf(value);
  } else if (key == "key") {
    status.key = readKey(value);
  } else if (key == "lastSeen") {
    status.lastSeen = timeOf(value);
  } else if (key == "absentSince") {
    status.absentSince = timeOf(value);
  }
}

void readStatus(std::string_view key, ondemand::value value, FleetStatus& status) {
  if (readCommon(key, value, status)) return;
  if (key == "fleetId") {
    readInteger(value, status.fleetId);
  } else if (key == "devices") {
    readCounts(value, status.devices);
  } else if (key == "lastCompleteSync") {
    eachField(value, [&](std::string_view side, ondemand::value time) {
      if (side == "balena") status.lastBalenaSync = timeOf(time);
      if (side == "registry") status.lastRegistrySync = timeOf(time);
    });
  } else if (key == "failing") {
    eachItem(value, [&](ondemand::value item) { status.failing.push_back(readFailing(item)); });
  } else if (key == "removal") {
    eachField(value, [&](std::string_view name, ondemand::value each) {
      if (name == "halted") status.removal.halted = each.get_bool();
      if (name == "candidates") readInteger(each, status.removal.candidates);
      if (name == "set") status.removal.set = textOf(each);
      if (name == "since") status.removal.since = timeOf(each);
      if (name == "recent") {
        eachItem(each, [&](ondemand::value hour) {
          status.removal.recent.push_back(readRemovalHour(hour));
        });
      }
    });
  } else if (key == "renewal") {
    eachField(value, [&](std::string_view name, ondemand::value each) {
      if (name == "requested") readInteger(each, status.renewal.requested);
      if (name == "done") readInteger(each, status.renewal.done);
    });
  }
}

void readStatus(std::string_view key, ondemand::value value, RegistryStatus& status) {
  if (readCommon(key, value, status)) return;
  if (key == "ownerId") {
    status.ownerId = textOf(value);
  } else if (key == "registrations") {
    eachField(value, [&](std::string_view name, ondemand::value count) {
      if (name == "total") readInteger(count, status.total);
      if (name == "owned") readInteger(count, status.owned);
      if (name == "foreign") readInteger(count, status.foreign);
    });
  } else if (key == "lastCompleteSync") {
    status.lastCompleteSync = timeOf(value);
  }
}

}  // namespace bco::api
