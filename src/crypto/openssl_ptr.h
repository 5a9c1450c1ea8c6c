// OpenSSL's objects, owned.
#pragma once

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <memory>

namespace bco::crypto {

template <auto kFree>
struct OpensslDeleter {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};

template <class T, auto kFree>
using OpensslPtr = std::unique_ptr<T, OpensslDeleter<kFree>>;

// Numbers may be scalars: they are wiped.
using BnPtr = OpensslPtr<BIGNUM, BN_clear_free>;
using BnCtxPtr = OpensslPtr<BN_CTX, BN_CTX_free>;
using GroupPtr = OpensslPtr<EC_GROUP, EC_GROUP_free>;
using PointPtr = OpensslPtr<EC_POINT, EC_POINT_free>;
using PkeyPtr = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;
using PkeyCtxPtr = OpensslPtr<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using EcdsaSigPtr = OpensslPtr<ECDSA_SIG, ECDSA_SIG_free>;
using KdfPtr = OpensslPtr<EVP_KDF, EVP_KDF_free>;
using KdfCtxPtr = OpensslPtr<EVP_KDF_CTX, EVP_KDF_CTX_free>;

}  // namespace bco::crypto
