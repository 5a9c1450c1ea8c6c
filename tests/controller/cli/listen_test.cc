#include "cli/listen.h"

#include <gmock/gmock.h>

#include <sstream>

namespace bco::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class ServeAt : public testing::Test {
 protected:
  Result<std::unique_ptr<server::HttpServer>> serve(const std::string& address) {
    return serveAt(
        "--x-addr", address, "x", [](const server::Request&, const server::Responder&) {}, log_);
  }

  std::ostringstream logged_;
  telemetry::Logger log_{{telemetry::LogLevel::kInfo, telemetry::LogFormat::kText}, logged_};
};

TEST_F(ServeAt, NamesTheFlagOfAnAddressThatIsNoneOrTaken) {
  EXPECT_THAT(serve("8081").error().message, StartsWith("--x-addr 8081: expected HOST:PORT"));
  const auto first = serve("127.0.0.1:0");
  ASSERT_TRUE(first);
  const std::string taken = "127.0.0.1:" + std::to_string((*first)->port());
  EXPECT_THAT(serve(taken).error().message, StartsWith("--x-addr " + taken + ": "));
}

TEST_F(ServeAt, LogsWhatItServesAndWhere) {
  const auto server = serve("127.0.0.1:0");
  ASSERT_TRUE(server);
  EXPECT_THAT(logged_.str(),
              HasSubstr("serving x address=127.0.0.1 port=" + std::to_string((*server)->port())));
}

}  // namespace
}  // namespace bco::cli
