#include "cli/cluster.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "cli/late_writes.h"
#include "crypto/hash.h"
#include "http/runtime.h"
#include "server/http_server.h"

namespace bco::cli {
namespace {

constexpr kube::Resource kConfigMaps{"", "v1", "configmaps"};

// As in main(), before the first thread.
[[maybe_unused]] const bool kHttpIsReady = (http::initializeHttp(), true);

// An API server that counts what it gets and answers all of it alike.
class ClusterTest : public testing::Test {
 protected:
  // As main() does, before anything is sent.
  static void SetUpTestSuite() { http::initializeHttp(); }

  ClusterTest() {
    server_ = *server::HttpServer::start({}, [this](server::Request request, auto responder) {
      if (request.method != "GET") ++writes_;
      server::Reply reply;
      reply.status = status_;
      reply.headers = {{"Content-Type", "application/json"}};
      reply.body = "{}";
      responder(std::move(reply));
    });
    std::string name = (std::filesystem::temp_directory_path() / "bco-cluster-XXXXXX").string();
    dir_ = ::mkdtemp(name.data());
    std::ofstream(dir_ / "config") << "apiVersion: v1\nkind: Config\ncurrent-context: a\n"
                                   << "contexts: [{name: a, context: {cluster: a}}]\n"
                                   << "clusters: [{name: a, cluster: {server: "
                                   << "\"http://127.0.0.1:" << server_->port() << "\"}}]\n";
    auto cluster = Cluster::open({(dir_ / "config").string(), ""}, std::chrono::seconds(15),
                                 lateWrites_, clock_, random_);
    EXPECT_TRUE(cluster) << cluster.error().message;
    cluster_ = *std::move(cluster);
  }
  ~ClusterTest() override { std::filesystem::remove_all(dir_); }

  static Result<std::string> write(kube::Client& client) {
    return client.create(kConfigMaps, "default", SecretBytes("{}"));
  }

  std::atomic<int> writes_ = 0;
  std::atomic<int> status_ = 201;
  SystemClock clock_;
  crypto::SystemRandom random_;
  LateWrites lateWrites_{clock_};
  std::filesystem::path dir_;
  std::unique_ptr<server::HttpServer> server_;
  std::unique_ptr<Cluster> cluster_;
};

TEST_F(ClusterTest, SendsWhatIsTheLeadersToWriteThroughTheGateAlone) {
  EXPECT_TRUE(write(cluster_->leaderClient())) << "open until somebody elects";
  bool isLeader = false;
  cluster_->setWriteGate([&] { return isLeader; });
  const auto refused = write(cluster_->leaderClient());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(refused.error().outcomeUnknown);
  EXPECT_EQ(writes_, 1);
  EXPECT_TRUE(cluster_->leaderClient().get(kConfigMaps, {"default", "a"})) << "reads are free";
  EXPECT_TRUE(write(cluster_->client())) << "anybody's";
  isLeader = true;
  EXPECT_TRUE(write(cluster_->leaderClient()));
  EXPECT_EQ(writes_, 3);
}

TEST_F(ClusterTest, RemembersAWriteWhoseOutcomeIsUnknown) {
  ASSERT_TRUE(write(cluster_->leaderClient()));
  EXPECT_FALSE(lateWrites_.within(std::chrono::hours(1)));
  status_ = 500;
  EXPECT_FALSE(write(cluster_->client()));
  EXPECT_FALSE(lateWrites_.within(std::chrono::hours(1))) << "an event keeps no lease";
  EXPECT_FALSE(write(cluster_->leaderClient()));
  EXPECT_TRUE(lateWrites_.within(std::chrono::hours(1)));
}

}  // namespace
}  // namespace bco::cli
