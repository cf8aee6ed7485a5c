// Makes P-256 keys, a root, a leaf for localhost, 127.0.0.1 and ::1, and leaves with one flaw each, with OpenSSL.
#include "certificates.hpp"

#include <memory>
#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace ig::sandbox {

namespace {

template <auto free_function> struct FreedBy {
    template <class T> void operator()(T *pointer) const { free_function(pointer); }
};
using Key = std::unique_ptr<EVP_PKEY, FreedBy<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreedBy<X509_free>>;
using Memory = std::unique_ptr<BIO, FreedBy<BIO_free_all>>;

void require(bool done, const char *what)
{
    if (!done) throw std::runtime_error(std::string("OpenSSL: ") + what);
}

Key make_key()
{
    Key key(EVP_EC_gen("P-256"));
    require(key != nullptr, "no key");
    return key;
}

void add_extension(X509 *subject, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, subject, nullptr, nullptr, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
    require(extension != nullptr, "bad extension");
    const int added = X509_add_ext(subject, extension, -1);
    X509_EXTENSION_free(extension);
    require(added == 1, "extension not added");
}

constexpr long day = 86400;

struct Validity {
    long from_days = -1;
    long to_days = 3650;
};

// A certificate without issuer and signature.
Certificate make_unsigned(EVP_PKEY *key, const char *common_name, long serial, Validity validity = {})
{
    Certificate certificate(X509_new());
    require(certificate != nullptr, "no certificate");
    X509 *x509 = certificate.get();
    require(X509_set_version(x509, 2) == 1, "version");
    require(ASN1_INTEGER_set(X509_get_serialNumber(x509), serial) == 1, "serial");
    X509_gmtime_adj(X509_getm_notBefore(x509), validity.from_days * day);
    X509_gmtime_adj(X509_getm_notAfter(x509), validity.to_days * day);
    require(X509_set_pubkey(x509, key) == 1, "public key");
    const auto *text = reinterpret_cast<const unsigned char *>(common_name);
    require(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC, text, -1, -1, 0) == 1, "name");
    return certificate;
}

template <class Write> std::string pem(Write write)
{
    const Memory memory(BIO_new(BIO_s_mem()));
    require(memory != nullptr && write(memory.get()) == 1, "PEM");
    char *data = nullptr;
    const long length = BIO_get_mem_data(memory.get(), &data);
    return {data, static_cast<std::size_t>(length)};
}

}  // namespace

Certificates make_certificates()
{
    const Key ca_key = make_key();
    const Certificate ca = make_unsigned(ca_key.get(), "Graph sandbox root", 1);
    require(X509_set_issuer_name(ca.get(), X509_get_subject_name(ca.get())) == 1, "issuer");
    add_extension(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE");
    add_extension(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(ca.get(), ca.get(), NID_subject_key_identifier, "hash");
    require(X509_sign(ca.get(), ca_key.get(), EVP_sha256()) > 0, "signing the root");

    const Key key = make_key();
    // Without an issuer it is its own.
    const auto leaf_pem = [&](long serial, Validity validity, const char *names, bool self_signed) {
        const Certificate leaf = make_unsigned(key.get(), "localhost", serial, validity);
        X509 *issuer = self_signed ? leaf.get() : ca.get();
        require(X509_set_issuer_name(leaf.get(), X509_get_subject_name(issuer)) == 1, "issuer");
        add_extension(leaf.get(), issuer, NID_basic_constraints, "critical,CA:FALSE");
        add_extension(leaf.get(), issuer, NID_key_usage, "critical,digitalSignature");
        add_extension(leaf.get(), issuer, NID_ext_key_usage, "serverAuth");
        add_extension(leaf.get(), issuer, NID_subject_alt_name, names);
        if (!self_signed) add_extension(leaf.get(), issuer, NID_authority_key_identifier, "keyid");
        require(X509_sign(leaf.get(), self_signed ? key.get() : ca_key.get(), EVP_sha256()) > 0, "signing a leaf");
        return pem([&](BIO *to) { return PEM_write_bio_X509(to, leaf.get()); });
    };
    const char *loopback = "DNS:localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1";

    Certificates made;
    made.ca_pem = pem([&](BIO *to) { return PEM_write_bio_X509(to, ca.get()); });
    made.server_pem = leaf_pem(2, {}, loopback, false);
    made.bad_pems = {{"expired", leaf_pem(3, {-30, -1}, loopback, false)},
                     {"not_yet_valid", leaf_pem(4, {1, 30}, loopback, false)},
                     {"wrong_host", leaf_pem(5, {}, "DNS:graph.elsewhere.example", false)},
                     {"self_signed", leaf_pem(6, {}, loopback, true)}};
    made.server_key =
        pem([&](BIO *to) { return PEM_write_bio_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
    return made;
}

}  // namespace ig::sandbox
