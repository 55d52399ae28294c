
#include "llm_base64.h"


#define LLM_BASE64_BAD    0xff
#define LLM_BASE64_SPACE  0xfe


static unsigned llm_base64_value(unsigned char c);


static const unsigned char  llm_base64_chars[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";


void
llm_base64_encode(llm_buf_t *out, const void *data, size_t len)
{
    uint32_t              n;
    unsigned char        *d;
    const unsigned char  *p, *end;

    if (len == 0) {
        return;
    }

    p = data;
    end = p + len;

    if (len > SIZE_MAX / 2
        || llm_buf_reserve(out, (len + 2) / 3 * 4) != LLM_OK)
    {
        out->failed = 1;
        return;
    }

    d = out->data + out->len;

    for ( /* void */ ; end - p >= 3; p += 3) {
        n = (uint32_t) p[0] << 16 | (uint32_t) p[1] << 8 | p[2];

        *d++ = llm_base64_chars[n >> 18];
        *d++ = llm_base64_chars[n >> 12 & 63];
        *d++ = llm_base64_chars[n >> 6 & 63];
        *d++ = llm_base64_chars[n & 63];
    }

    if (p < end) {
        n = (uint32_t) p[0] << 16;

        if (end - p == 2) {
            n |= (uint32_t) p[1] << 8;
        }

        *d++ = llm_base64_chars[n >> 18];
        *d++ = llm_base64_chars[n >> 12 & 63];
        *d++ = (end - p == 2) ? llm_base64_chars[n >> 6 & 63] : '=';
        *d++ = '=';
    }

    out->len = (size_t) (d - out->data);
}


int
llm_base64_decode(llm_buf_t *out, const llm_str_t *text)
{
    size_t          i;
    uint32_t        n;
    unsigned        v, bits;
    unsigned char  *d;

    if (llm_buf_reserve(out, text->len / 4 * 3 + 3) != LLM_OK) {
        return LLM_NOMEM;
    }

    d = out->data + out->len;
    n = 0;
    bits = 0;

    for (i = 0; i < text->len && text->data[i] != '='; i++) {
        v = llm_base64_value(text->data[i]);

        if (v == LLM_BASE64_SPACE) {
            continue;
        }

        if (v == LLM_BASE64_BAD) {
            return LLM_INVALID;
        }

        n = n << 6 | v;
        bits += 6;

        if (bits >= 8) {
            bits -= 8;
            *d++ = (unsigned char) (n >> bits);
        }
    }

    /* one character is no byte; nothing but padding may follow */

    if (bits == 6) {
        return LLM_INVALID;
    }

    for ( /* void */ ; i < text->len; i++) {

        if (text->data[i] != '='
            && llm_base64_value(text->data[i]) != LLM_BASE64_SPACE)
        {
            return LLM_INVALID;
        }
    }

    out->len = (size_t) (d - out->data);

    return LLM_OK;
}


int
llm_base64_clean(llm_arena_t *arena, const llm_str_t *text, llm_str_t *out)
{
    int        rc;
    size_t     i;
    unsigned   v, clean;
    llm_buf_t  bytes, b;

    clean = (text->len % 4 == 0);

    for (i = 0; i < text->len; i++) {
        v = llm_base64_value(text->data[i]);

        if (v < 64 && text->data[i] != '-' && text->data[i] != '_') {
            continue;
        }

        if (text->data[i] == '=' && text->len - i <= 2
            && text->data[text->len - 1] == '=')
        {
            break;
        }

        clean = 0;
        break;
    }

    if (clean) {
        *out = *text;
        return LLM_OK;
    }

    llm_buf_init(&bytes, arena);
    llm_buf_init(&b, arena);

    rc = llm_base64_decode(&bytes, text);
    if (rc != LLM_OK) {
        return rc;
    }

    llm_base64_encode(&b, bytes.data, bytes.len);

    out->data = b.data;
    out->len = b.len;

    return b.failed ? LLM_NOMEM : LLM_OK;
}


static unsigned
llm_base64_value(unsigned char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (unsigned) (c - 'A');
    }

    if (c >= 'a' && c <= 'z') {
        return (unsigned) (c - 'a' + 26);
    }

    if (c >= '0' && c <= '9') {
        return (unsigned) (c - '0' + 52);
    }

    switch (c) {

    case '+':
    case '-':
        return 62;

    case '/':
    case '_':
        return 63;

    case ' ':
    case '\t':
    case '\r':
    case '\n':
        return LLM_BASE64_SPACE;

    default:
        return LLM_BASE64_BAD;
    }
}
