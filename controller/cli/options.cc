#include "cli/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "cli/version.h"
#include "core/text.h"

namespace bco::cli {
namespace {

std::string checkDuration(const std::string& text) {
  return parseDuration(text) ? std::string()
                             : "expected a duration such as 15m, 90s or 1h30m, not " + text;
}

std::string checkNotZero(const std::string& text) {
  const auto duration = parseDuration(text);
  return !duration || *duration > Duration::zero() ? std::string() : "must be above zero";
}

std::string checkNotEmpty(const std::string& text) {
  return text.empty() ? "must not be empty" : std::string();
}

std::string checkUuid(const std::string& text) {
  return isDeviceUuid(text) ? std::string()
                            : "expected the full UUID, 32 or 62 lower-case hex digits";
}

CLI::Option* addDuration(CLI::App& command, const std::string& name, Duration& value,
                         const std::string& help) {
  return command
      .add_option_function<std::string>(
          name, [&value](const std::string& text) { value = *parseDuration(text); },
          help + " (default " + formatDuration(value) + ")")
      ->type_name("DURATION")
      ->check(CLI::Validator(checkDuration, ""));
}

void addInterval(CLI::App& command, const std::string& name, Duration& value,
                 const std::string& help) {
  addDuration(command, name, value, help)->check(CLI::Validator(checkNotZero, ""));
}

bool isCommand(const CLI::App& app, std::string_view name) {
  const auto known = app.get_subcommands([](const CLI::App*) { return true; });
  return std::ranges::any_of(known, [&](const CLI::App* each) { return each->get_name() == name; });
}

void addEngineFlags(CLI::App& command, EngineFlags& options) {
  command.add_option("--log-format", options.logFormat, "text or json (default text)")
      ->check(CLI::IsMember({"text", "json"}));
  command
      .add_option("--log-level", options.logLevel,
                  "debug, info, warn or error (default info; warn where a live line or only a "
                  "result is shown)")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
  command
      .add_option("--workers", options.workers,
                  "devices of one fleet worked on at once (default 16)")
      ->check(CLI::Range(1, 256));
  addInterval(command, "--attempt-deadline", options.attemptDeadline,
              "longest time for one request to a cloud");
  addInterval(command, "--call-deadline", options.callDeadline,
              "longest time for one call, repetitions included");
  addInterval(command, "--retry-initial", options.retryInitial, "first wait after a failure");
  addInterval(command, "--retry-longest", options.retryLongest, "longest wait after failures");
  addDuration(command, "--shutdown-grace", options.shutdownGrace,
              "time for what is under way to end after SIGTERM");
}

// `isClusterMeant`: where there are no files.
void addCommon(CLI::App& command, CommonOptions& options, bool isClusterMeant = false) {
  command
      .add_option("-f,--filename", options.files,
                  std::string("files, or directories of *.yaml, *.yml and *.json files") +
                      (isClusterMeant ? "; without them the objects of a cluster are meant" : ""))
      ->required(!isClusterMeant)
      ->type_name("PATH");
  command
      .add_option("--secrets-dir", options.secretsDir,
                  "where Secrets that no document holds are read: DIR/<name>/<key>")
      ->type_name("DIR");
  addEngineFlags(command, options);
}

void addCluster(CLI::App& command, ClusterFlags& options, const std::string& space) {
  command
      .add_option("--kubeconfig", options.kubeconfig,
                  "how to reach the cluster (default $KUBECONFIG, the Pod's service account, "
                  "~/.kube/config)")
      ->type_name("FILE");
  command.add_option("--context", options.context, "of the kubeconfig (default its current one)");
  command.add_option("-n,--namespace", options.space, space + " (default all)");
}

void addMetricsFlags(CLI::App& command, MetricsFlags& options) {
  const std::string usual = options.address.empty() ? "nowhere" : options.address;
  command
      .add_option("--metrics-addr", options.address,
                  "where /metrics is served (default " + usual + "; empty: nowhere)")
      ->type_name("HOST:PORT");
  command.add_flag("--metrics-per-device", options.perDevice,
                   "serve metrics of every single device too");
}

void addRate(CLI::App& command, const std::string& name, double& value, const std::string& help) {
  command.add_option(name, value, help + " a second; 0: no limit")
      ->type_name("NUMBER")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
}

void addEndpoint(CLI::App& command, EndpointFlags& options) {
  command
      .add_option("--endpoint-addr", options.address,
                  "where the provisioning endpoint is served (default " +
                      (options.address.empty() ? "nowhere" : options.address) + ")")
      ->type_name("HOST:PORT");
  command
      .add_option("--endpoint-auth", options.auth,
                  "none, or token: who may POST (default none; DELETE always needs a token)")
      ->check(CLI::IsMember({"none", "token"}));
  command
      .add_option("--endpoint-token-file", options.tokenFile,
                  "bearer tokens that are accepted, one a line")
      ->type_name("FILE");
  auto* certificate =
      command.add_option("--endpoint-tls-cert", options.tlsCertificate, "serve TLS with it (PEM)")
          ->type_name("FILE");
  auto* key = command.add_option("--endpoint-tls-key", options.tlsKey, "its private key (PEM)")
                  ->type_name("FILE");
  certificate->needs(key);
  key->needs(certificate);
  addDuration(command, "--endpoint-deadline", options.deadline,
              "longest time until a caller has his answer");
  addRate(command, "--endpoint-rate", options.rate, "requests of all callers");
  addRate(command, "--endpoint-rate-per-address", options.ratePerAddress,
          "requests of one address");
  addRate(command, "--endpoint-rate-per-device", options.ratePerDevice, "requests for one device");
  command.callback([&options] {
    if (options.auth == "token" && options.tokenFile.empty()) {
      throw CLI::ValidationError("--endpoint-auth token", "needs --endpoint-token-file");
    }
  });
}

void addController(CLI::App& command, ControllerOptions& options) {
  addCluster(command, options, "look after this one alone");
  command.add_option("-l,--selector", options.selector,
                     "look after objects with these labels alone (default all)");
  command.add_option("--owner-id", options.ownerId,
                     "owner of registries that name none (default the UID of kube-system)");
  command.add_flag("--leader-elect,!--no-leader-elect", options.leaderElect,
                   "let one of several replicas work at a time (default yes)");
  command.add_option("--lease-name", options.leaseName,
                     "the Lease that the leader holds (default " + options.leaseName + ")");
  command.add_option("--lease-namespace", options.leaseSpace,
                     "its namespace (default the Pod's, or the context's)");
  addDuration(command, "--lease-duration", options.leaseDuration,
              "how long others wait for a leader that is silent");
  addDuration(command, "--renew-deadline", options.renewDeadline,
              "how long a leader works on that can't renew its lease");
  addDuration(command, "--retry-period", options.retryPeriod, "between renewals");
  command
      .add_option("--health-addr", options.healthAddress,
                  "where /livez and /readyz are served (default " + options.healthAddress +
                      "; empty: nowhere)")
      ->type_name("HOST:PORT");
  addEndpoint(command, options.endpoint);
  addMetricsFlags(command, options.metrics);
  addEngineFlags(command, options.engine);
}

}  // namespace

std::variant<Options, ParseExit> parseOptions(int argc, char** argv) {
  CLI::App app(
      "Keeps devices on balenaCloud registered in ClearBlade IoT Core, as YAML says.\n"
      "Exit codes: 0 done, 1 something did not converge, 2 bad input.");
  app.require_subcommand(1);

  SyncOptions sync;
  CLI::App* syncCommand =
      app.add_subcommand("sync", "keep the clouds in step with the files until told to stop");
  addCommon(*syncCommand, sync.common);
  addMetricsFlags(*syncCommand, sync.metrics);
  syncCommand->add_flag(
      "--once", sync.once,
      "exit when all is in sync or has failed for good: 0, or 1 with what did not");
  syncCommand
      ->add_flag("--verify", sync.verify,
                 "with --once: read every device's stored key too; a sweep only sees that there "
                 "is one")
      ->needs("--once");
  addDuration(*syncCommand, "--timeout", sync.timeout, "with --once: give up after this time");
  syncCommand->get_option("--timeout")->needs("--once");
  addEndpoint(*syncCommand, sync.endpoint);
  syncCommand->get_option("--endpoint-addr")->excludes("--once");

  ServeOptions serve;
  CLI::App* serveCommand = app.add_subcommand(
      "serve", "serve the provisioning endpoint alone: no device is touched before it asks");
  addCommon(*serveCommand, serve.common);
  addMetricsFlags(*serveCommand, serve.metrics);
  addEndpoint(*serveCommand, serve.endpoint);

  PlanOptions plan;
  CLI::App* planCommand =
      app.add_subcommand("plan", "print what sync would do, without writing anything");
  addCommon(*planCommand, plan.common);
  std::string output = "table";
  planCommand->add_option("-o,--output", output, "table or json (default table)")
      ->check(CLI::IsMember({"table", "json"}));
  planCommand->add_flag("--adopt", plan.adopt,
                        "only devices that the cloud function or somebody else has registered, "
                        "with what it left half done");

  planCommand->add_flag("--verify", plan.verify,
                        "read every device's stored key too; a sweep only sees that there is one");

  DeviceOptions device;
  CLI::App* provision = app.add_subcommand(
      "provision",
      "provision one device and exit; without -f by its object in a cluster, where an operator "
      "does the work");
  CLI::App* deprovision = app.add_subcommand(
      "deprovision",
      "remove one device's registration and variables and exit; without -f by its object in a "
      "cluster");
  for (CLI::App* command : {provision, deprovision}) {
    command->add_option("uuid", device.uuid, "the device's full UUID")
        ->required()
        ->check(CLI::Validator(checkUuid, ""));
    addCommon(*command, device.common, true);
    addCluster(*command, device.cluster, "of the cluster, look at this one alone");
    for (const char* flag : {"--kubeconfig", "--context", "--namespace"}) {
      command->get_option(flag)->excludes("--filename");
    }
    command->get_option("--secrets-dir")->needs("--filename");
    command->add_option("--fleet", device.fleet,
                        "name of the BalenaFleet, if there are several and nothing declares the "
                        "device");
    addDuration(*command, "--timeout", device.timeout, "give up after this time");
  }
  HandoverCommandOptions handover;
  CLI::App* handoverCommand = app.add_subcommand(
      "handover", "give the registrations of a former owner id to the one in the files");
  addCommon(*handoverCommand, handover.common);
  handoverCommand->add_option("--from", handover.from, "the owner id that they carry")
      ->required()
      ->type_name("OWNER")
      ->check(CLI::Validator(checkNotEmpty, ""));
  handoverCommand->add_flag("--dry-run", handover.dryRun,
                            "print which they are, without writing anything");
  ControllerOptions controller;
  CLI::App* controllerCommand = app.add_subcommand(
      "controller", "keep the clouds in step with the objects of a Kubernetes cluster");
  addController(*controllerCommand, controller);
  HealthCheckOptions healthCheck;
  CLI::App* healthCheckCommand =
      app.add_subcommand("healthcheck", "ask a running controller whether it is ready");
  healthCheckCommand->add_option("url", healthCheck.url, "default " + healthCheck.url);
  CLI::App* version = app.add_subcommand("version", "print the version");

  app.set_version_flag("--version", "balena-clearblade-operator " + std::string(versionText()));

  // CLI11 would only say that a subcommand is required.
  if (argc > 1 && argv[1][0] != '-' && !isCommand(app, argv[1])) {
    std::cerr << "unknown command \"" << argv[1] << "\"\nRun with --help for more information.\n";
    return ParseExit{kExitBadInput};
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ParseExit{app.exit(error) == 0 ? kExitDone : kExitBadInput};
  }
  if (*syncCommand) return Options(sync);
  if (*serveCommand) return Options(serve);
  if (*planCommand) {
    plan.json = output == "json";
    return Options(plan);
  }
  if (*handoverCommand) return Options(handover);
  if (*controllerCommand) return Options(controller);
  if (*healthCheckCommand) return Options(healthCheck);
  if (*version) return Options(VersionOptions{});
  device.present = static_cast<bool>(*provision);
  return Options(device);
}

}  // namespace bco::cli
