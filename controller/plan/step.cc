#include "plan/step.h"

namespace bco {
namespace {

struct Describe {
  std::string operator()(const CreateRegistration& step) const {
    return "create registration " + step.id + " with key " + std::to_string(step.key.generation);
  }
  std::string operator()(const PatchRegistration& step) const {
    if (step.add && step.keep && step.keep->empty()) {
      return "make key " + std::to_string(step.add->generation) + " the registration's only one";
    }
    if (step.add) return "add key " + std::to_string(step.add->generation) + " to the registration";
    if (step.keep) return "change the registration's credentials and mark";
    return "mark the registration as ours";
  }
  std::string operator()(const DeleteRegistration& step) const {
    return "delete registration " + step.numId;
  }
  std::string operator()(const WriteVariables& step) const {
    std::string text = "write";
    for (const VariableChange& change : step.changes) {
      text += (&change == &step.changes.front() ? " " : ", ") + change.name;
    }
    return text;
  }
  std::string operator()(const DeleteVariables&) const { return "delete the GCP_* variables"; }
};

}  // namespace

std::string describe(const Step& step) { return std::visit(Describe{}, step); }

}  // namespace bco
