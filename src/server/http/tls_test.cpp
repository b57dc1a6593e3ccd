#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <mutex>

#include "base/error.h"
#include "server/http/exchange.h"
#include "server/http/server.h"
#include "tests/support/raw_client.h"

namespace sparrow::http {
namespace {

using testing::HasSubstr;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

// A key and a certificate that it signed itself, as PEM files.
void write_certificate(const std::string& certificate_file, const std::string& key_file) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_sign(certificate, key, EVP_sha256());
  std::FILE* file = std::fopen(certificate_file.c_str(), "w");
  PEM_write_X509(file, certificate);
  std::fclose(file);
  file = std::fopen(key_file.c_str(), "w");
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

// A TLS connection to 127.0.0.1 that trusts anybody.
class TlsClient {
 public:
  explicit TlsClient(const std::string& address, int max_version = 0)
      : context_(SSL_CTX_new(TLS_client_method())) {
    if (max_version != 0) {
      SSL_CTX_set_max_proto_version(context_, max_version);
      SSL_CTX_set_min_proto_version(context_, max_version);
      SSL_CTX_set_security_level(context_, 0);
    }
    const std::string port = address.substr(address.rfind(':') + 1);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    uint16_t number = 0;
    std::from_chars(port.data(), port.data() + port.size(), number);
    to.sin_port = htons(number);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    descriptor_ = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(connect(descriptor_, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, descriptor_);
    is_connected_ = SSL_connect(ssl_) == 1;
  }
  ~TlsClient() {
    SSL_free(ssl_);
    if (descriptor_ >= 0) close(descriptor_);
    SSL_CTX_free(context_);
  }

  bool is_connected() const { return is_connected_; }
  void send(const std::string& text) {
    SSL_write(ssl_, text.data(), static_cast<int>(text.size()));
  }
  // Up to and including `end`, or to the end of the connection.
  std::string read_until(const std::string& end) {
    std::string text;
    char bytes[4096];
    while (text.find(end) == std::string::npos) {
      const int count = SSL_read(ssl_, bytes, sizeof(bytes));
      if (count <= 0) break;
      text.append(bytes, static_cast<size_t>(count));
    }
    return text;
  }
  bool was_closed_properly() {
    char byte = 0;
    return SSL_read(ssl_, &byte, 1) == 0 && SSL_get_error(ssl_, 0) == SSL_ERROR_ZERO_RETURN;
  }
  void vanish() {
    close(descriptor_);
    descriptor_ = -1;
  }

 private:
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
  int descriptor_ = -1;
  bool is_connected_ = false;
};

class Tls : public testing::Test {
 protected:
  Tls()
      : folder_(std::filesystem::path(testing::TempDir()) /
                ("sparrow_tls_" + std::to_string(getpid()))) {
    std::filesystem::create_directories(folder_);
    options_.access_log = nullptr;
    options_.certificate_file = folder_ / "certificate.pem";
    options_.private_key_file = folder_ / "key.pem";
    write_certificate(options_.certificate_file, options_.private_key_file);
  }
  ~Tls() override { std::filesystem::remove_all(folder_); }

  void start() {
    std::vector<Route> routes;
    routes.push_back({"GET", "/", [](const auto& e) {
                        e->reply(200, {}, e->request().is_encrypted ? "secret" : "open");
                      }});
    routes.push_back({"GET", "/large",
                      [](const auto& e) { e->reply(200, {}, std::string(1 << 20, 'x') + "END"); }});
    routes.push_back({"GET", "/keep", [this](const auto& e) {
                        kept_ = e;
                        e->begin_stream(200, {});
                        e->write("begun");
                        e->on_close([this] {
                          const std::lock_guard lock(mutex_);
                          is_closed_ = true;
                          changed_.notify_all();
                        });
                      }});
    server_ = std::make_unique<Server>(options_, std::move(routes));
    server_->start();
    address_ = server_->addresses().front();
  }

  const std::filesystem::path folder_;
  ServerOptions options_;
  std::string address_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_closed_ = false;
  std::shared_ptr<Exchange> kept_;
  std::unique_ptr<Server> server_;
};

const std::string kHost = "Host: localhost\r\n";

TEST_F(Tls, requests_are_answered_over_an_encrypted_connection) {
  start();
  EXPECT_THAT(server_->url(), HasSubstr("https://127.0.0.1:"));
  TlsClient client(address_);
  ASSERT_TRUE(client.is_connected());
  for (int i = 0; i < 2; ++i) {
    client.send("GET / HTTP/1.1\r\n" + kHost + "\r\n");
    EXPECT_THAT(client.read_until("secret"), HasSubstr("secret"));
  }
  client.send("GET /large HTTP/1.1\r\n" + kHost + "Connection: close\r\n\r\n");
  EXPECT_GT(client.read_until("END").size(), size_t{1} << 20);
  EXPECT_TRUE(client.was_closed_properly());
}

TEST_F(Tls, a_client_that_goes_is_noticed) {
  start();
  TlsClient client(address_);
  client.send("GET /keep HTTP/1.1\r\n" + kHost + "\r\n");
  EXPECT_THAT(client.read_until("begun"), HasSubstr("begun"));
  client.vanish();
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, 10s, [this] { return is_closed_; }));
}

TEST_F(Tls, plain_and_old_and_silent_clients_get_nothing) {
  options_.limits.header_time = 500ms;
  start();
  RawClient silent(address_);
  RawClient plain(address_);
  plain.send("GET / HTTP/1.1\r\n" + kHost + "\r\n");
  EXPECT_FALSE(plain.read_response().has_value());
  EXPECT_TRUE(plain.is_closed_by_server());
  EXPECT_TRUE(silent.is_closed_by_server());
  EXPECT_FALSE(TlsClient(address_, TLS1_1_VERSION).is_connected());
  EXPECT_TRUE(TlsClient(address_, TLS1_2_VERSION).is_connected());
}

TEST_F(Tls, a_key_that_is_not_the_certificates_is_refused) {
  write_certificate(folder_ / "other.pem", folder_ / "other_key.pem");
  options_.private_key_file = folder_ / "other_key.pem";
  EXPECT_THROW(start(), Error);
}

}  // namespace
}  // namespace sparrow::http
