// A person with access to everything, who interferes, and puts right what he has done after a
// while.
#pragma once

#include "tests/sim/parts.h"

namespace bco::sim {

class Administrator {
 public:
  explicit Administrator(Parts& parts) : parts_(parts) {}

  // The objects, Secrets and devices a world begins with.
  void setUp();
  void start();
  // Puts everything right, and interferes no more.
  void settle();

  // ── what he does on demand
  // Has the device's key rotated. Whether it is declared, and no other device's is.
  bool renewNow(const std::string& uuid);
  void setState(const std::string& uuid, api::DesiredState state);
  void deleteRegistration(const std::string& uuid);

 private:
  using Repair = std::function<void()>;
  using OnDevice = void (Administrator::*)(const std::string& uuid);
  void act();
  void strike(OnDevice interfere);
  // To be undone after a while, or within hours; at the latest at the end.
  void later(Repair repair);
  void soon(Repair repair);
  void after(Duration delay, Repair repair);
  [[nodiscard]] Duration aWhile();
  // So much later than now, as people write it: with a fraction of a second or without.
  [[nodiscard]] TimePoint aTime(Duration later = Duration(0));

  // ── on balena
  void editVariable(const std::string& uuid);
  void storeStrangeKey(const std::string& uuid);
  void deleteVariables(const std::string& uuid);
  void deleteDevice(const std::string& uuid);
  void moveTo(const std::string& uuid, std::int64_t fleet);
  void moveAway(const std::string& uuid);
  void moveSeveralAway();
  void moveDevice(const std::string& uuid);
  void changeToken();
  void hideFleet();
  // ── on ClearBlade
  void deleteCredential(const std::string& uuid);
  void replaceRegistration(const std::string& uuid);
  void remakeRegistration(const std::string& uuid);
  void changeAccount();
  void breakMark(const std::string& uuid);
  void unmark(const std::string& uuid);
  void annotate(const std::string& uuid);
  void block(const std::string& uuid);
  // ── in Kubernetes
  void setAbsent(const std::string& uuid);
  void deleteObject(const std::string& uuid);
  void suspend(const std::string& uuid);
  void changeLifetime();
  void renew(const std::string& uuid);
  void revoke(const std::string& uuid);
  void renewFleets();
  void revokeFleets();
  void observe();
  void approveRemovals();
  void loseSecret();
  void registerAgain(const std::string& uuid, const clearblade::Credential& old);
  // ── on the way
  void outage();

  [[nodiscard]] api::BalenaDevice objectOf(const std::string& uuid, std::size_t fleet);
  [[nodiscard]] Shared<api::BalenaDevice> declared(const std::string& uuid) const;
  void editFleets(const std::function<void(api::FleetSpec&)>& edit);
  void keepOneObject(const std::string& uuid);
  [[nodiscard]] std::string strangeKey();

  Parts& parts_;
  bool settled_ = false;
  int lastObject_ = 0;
  std::uint64_t lastRepair_ = 0;
  std::map<std::uint64_t, Repair> repairs_;
};

}  // namespace bco::sim
