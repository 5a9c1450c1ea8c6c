// What a key costs.
#include <benchmark/benchmark.h>

#include "crypto/curve.h"
#include "crypto/ecdsa.h"
#include "crypto/hkdf.h"
#include "crypto/jwt.h"
#include "tests/crypto/vectors.h"

namespace bco::crypto {
namespace {

void hkdf(benchmark::State& state) {
  const SecretBytes seed = test::seed();
  for (auto _ : state) benchmark::DoNotOptimize(hkdfSha256(seed, {}, "info", 32));
}
BENCHMARK(hkdf);

void derive(benchmark::State& state) {
  const SecretBytes seed = test::seed();
  std::uint32_t generation = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        PrivateKey::derive(seed, test::kUuid, test::kIncarnation, ++generation));
  }
}
BENCHMARK(derive);

// All that provisioning a device needs of this library.
void deriveAndWriteBothHalves(benchmark::State& state) {
  const SecretBytes seed = test::seed();
  std::uint32_t generation = 0;
  for (auto _ : state) {
    const auto key = PrivateKey::derive(seed, test::kUuid, test::kIncarnation, ++generation);
    benchmark::DoNotOptimize(toVariableValue(*key));
    benchmark::DoNotOptimize(key->publicKey().toPem());
    benchmark::DoNotOptimize(key->publicKey().fingerprint());
  }
}
BENCHMARK(deriveAndWriteBothHalves);

void readVariable(benchmark::State& state) {
  const SecretBytes value = toVariableValue(test::firstKey());
  for (auto _ : state) benchmark::DoNotOptimize(fromVariableValue(value));
}
BENCHMARK(readVariable);

void readPublicPem(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(PublicKey::fromPem(test::kPublicPem));
}
BENCHMARK(readPublicPem);

void fingerprint(benchmark::State& state) {
  const PublicKey key = test::firstKey().publicKey();
  for (auto _ : state) benchmark::DoNotOptimize(key.fingerprint());
}
BENCHMARK(fingerprint);

void firstSignature(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    const PrivateKey key = test::firstKey();
    state.ResumeTiming();
    benchmark::DoNotOptimize(key.sign("message"));
  }
}
BENCHMARK(firstSignature);

void signAgain(benchmark::State& state) {
  const PrivateKey key = test::firstKey();
  for (auto _ : state) benchmark::DoNotOptimize(key.sign("message"));
}
BENCHMARK(signAgain);

void verify(benchmark::State& state) {
  const PrivateKey key = test::firstKey();
  const std::string signature = key.sign("message").value();
  for (auto _ : state) benchmark::DoNotOptimize(key.publicKey().verify("message", signature));
}
BENCHMARK(verify);

void signedToken(benchmark::State& state) {
  const PrivateKey key = test::firstKey();
  for (auto _ : state) benchmark::DoNotOptimize(signJwt(R"({"aud":"p","iat":1,"exp":2})", key));
}
BENCHMARK(signedToken);

}  // namespace
}  // namespace bco::crypto
