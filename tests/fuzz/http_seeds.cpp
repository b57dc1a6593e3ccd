// Seeds of the HTTP target: requests in order and almost in order.
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  const std::string host = "Host: localhost:11434\r\n";
  const std::vector<std::string> seeds = {
      "GET / HTTP/1.1\r\n" + host + "\r\n",
      "GET /v1/models/a%2Fb?x=%20+&y HTTP/1.1\r\n" + host + "Origin: http://localhost:3000\r\n\r\n",
      "OPTIONS /api/a/b HTTP/1.1\r\n" + host +
          "Origin: app://x\r\nAccess-Control-Request-Method: "
          "POST\r\nAccess-Control-Request-Headers: a,b\r\n\r\n",
      "GET http://localhost:11434/api/x HTTP/1.1\r\n" + host + "Connection: close, x\r\n\r\n",
      "POST /a HTTP/1.1\r\n" + host + "Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
      "POST /a HTTP/1.1\r\n" + host +
          "Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n",
      "POST /a HTTP/1.1\r\n" + host +
          "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
      "POST /a HTTP/1.0\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n{}\r\nGET / "
      "HTTP/1.0\r\n\r\n",
      "POST /a HTTP/1.1\r\n" + host + "Content-Encoding: deflate\r\nContent-Length: 11\r\n\r\n" +
          std::string("\x78\x9c\x4b\x4c\x4a\x06\x00\x02\x4d\x01\x27", 11),
      "GET / HTTP/1.1\r\n" + host + "A: b\r\n folded\r\n\r\n",
  };
  for (size_t i = 0; i < seeds.size(); ++i) {
    std::ofstream(std::string(argv[1]) + "/http" + std::to_string(i), std::ios::binary)
        << '\x07' << seeds[i];
  }
  return 0;
}
