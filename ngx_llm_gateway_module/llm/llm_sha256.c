
#include "llm_sha256.h"


#define LLM_SHA256_BLOCK  64

#define llm_rotate(x, n)  ((x) >> (n) | (x) << (32 - (n)))


static void llm_sha256_block(uint32_t *h, const unsigned char *p);


static const uint32_t  llm_sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5,
    0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5,
    0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
};


void
llm_sha256(const llm_str_t *text, unsigned char digest[LLM_SHA256_SIZE])
{
    size_t         i, rest;
    uint64_t       bits;
    uint32_t       h[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
    };
    unsigned char  tail[2 * LLM_SHA256_BLOCK];

    for (i = 0; text->len - i >= LLM_SHA256_BLOCK; i += LLM_SHA256_BLOCK) {
        llm_sha256_block(h, text->data + i);
    }

    /* the rest, a bit, and the length in the last eight bytes */

    rest = text->len - i;

    memset(tail, 0, sizeof(tail));

    if (rest) {
        memcpy(tail, text->data + i, rest);
    }

    tail[rest] = 0x80;

    rest = (rest < LLM_SHA256_BLOCK - 8) ? LLM_SHA256_BLOCK : sizeof(tail);
    bits = (uint64_t) text->len * 8;

    for (i = 1; i <= 8; i++) {
        tail[rest - i] = (unsigned char) bits;
        bits >>= 8;
    }

    for (i = 0; i < rest; i += LLM_SHA256_BLOCK) {
        llm_sha256_block(h, tail + i);
    }

    for (i = 0; i < LLM_SHA256_SIZE; i++) {
        digest[i] = (unsigned char) (h[i / 4] >> (24 - i % 4 * 8));
    }
}


static void
llm_sha256_block(uint32_t *h, const unsigned char *p)
{
    unsigned  i;
    uint32_t  a, b, c, d, e, f, g, k, s, t, w[64];

    for (i = 0; i < 16; i++, p += 4) {
        w[i] = (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16
               | (uint32_t) p[2] << 8 | p[3];
    }

    for ( /* void */ ; i < 64; i++) {
        s = w[i - 15];
        t = w[i - 2];

        w[i] = w[i - 16] + w[i - 7]
               + (llm_rotate(s, 7) ^ llm_rotate(s, 18) ^ s >> 3)
               + (llm_rotate(t, 17) ^ llm_rotate(t, 19) ^ t >> 10);
    }

    a = h[0];
    b = h[1];
    c = h[2];
    d = h[3];
    e = h[4];
    f = h[5];
    g = h[6];
    k = h[7];

    for (i = 0; i < 64; i++) {
        s = k + (llm_rotate(e, 6) ^ llm_rotate(e, 11) ^ llm_rotate(e, 25))
            + ((e & f) ^ (~e & g)) + llm_sha256_k[i] + w[i];
        t = (llm_rotate(a, 2) ^ llm_rotate(a, 13) ^ llm_rotate(a, 22))
            + ((a & b) ^ (a & c) ^ (b & c));

        k = g;
        g = f;
        f = e;
        e = d + s;
        d = c;
        c = b;
        b = a;
        a = s + t;
    }

    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
    h[5] += f;
    h[6] += g;
    h[7] += k;
}


void
llm_sha256_hex(const llm_str_t *text, unsigned char hex[2 * LLM_SHA256_SIZE])
{
    unsigned char  digest[LLM_SHA256_SIZE];

    llm_sha256(text, digest);
    llm_hex(digest, sizeof(digest), hex);
}


void
llm_hex(const unsigned char *data, size_t len, unsigned char *hex)
{
    size_t  i;

    static const char  digits[] = "0123456789abcdef";

    for (i = 0; i < len; i++) {
        *hex++ = (unsigned char) digits[data[i] >> 4];
        *hex++ = (unsigned char) digits[data[i] & 15];
    }
}
