
#include "llm_eventstream.h"


#define LLM_EVENTSTREAM_PRELUDE   12
#define LLM_EVENTSTREAM_OVERHEAD  16      /* prelude and the last checksum */


typedef enum {
    sw_prelude = 0,
    sw_key_len,
    sw_key,
    sw_type,
    sw_value_len,
    sw_value,
    sw_payload,
    sw_crc,
    sw_broken
} llm_eventstream_state_e;


/* headers whose values are kept */

typedef enum {
    LLM_EVENTSTREAM_NONE = 0,
    LLM_EVENTSTREAM_EVENT,
    LLM_EVENTSTREAM_EXCEPTION,
    LLM_EVENTSTREAM_CODE,
    LLM_EVENTSTREAM_KIND,
    LLM_EVENTSTREAM_MESSAGE
} llm_eventstream_header_e;

static const llm_str_t  llm_eventstream_keys[] = {
    llm_string(""),
    llm_string(":event-type"),
    llm_string(":exception-type"),
    llm_string(":error-code"),
    llm_string(":message-type"),
    llm_string(":error-message")
};


/* of the types of values: bytes that each has, or where its length stands */

#define LLM_EVENTSTREAM_TYPES   10
#define LLM_EVENTSTREAM_BYTES   6
#define LLM_EVENTSTREAM_STRING  7

static const uint8_t  llm_eventstream_sizes[LLM_EVENTSTREAM_TYPES] = {
    0, 0, 1, 2, 4, 8, 2, 2, 8, 16
};


static int llm_eventstream_prelude(llm_eventstream_t *s);
static size_t llm_eventstream_header(llm_eventstream_t *s,
    const unsigned char *p, const unsigned char *end, int *rc);
static int llm_eventstream_type(llm_eventstream_t *s, unsigned char type);
static void llm_eventstream_value(llm_eventstream_t *s,
    const unsigned char *p, size_t len);
static void llm_eventstream_next_header(llm_eventstream_t *s);
static size_t llm_eventstream_fixed(llm_eventstream_t *s,
    const unsigned char *p, size_t len, size_t size);
static uint32_t llm_eventstream_number(const unsigned char *p);
static uint32_t llm_eventstream_crc(uint32_t crc, const unsigned char *p,
    size_t len);


void
llm_eventstream_init(llm_eventstream_t *s)
{
    memset(s, 0, sizeof(llm_eventstream_t));
}


int
llm_eventstream_next(llm_eventstream_t *s, const unsigned char *data,
    size_t len, size_t *used, llm_str_t *piece)
{
    int                   rc;
    size_t                n;
    const unsigned char  *p, *end;

    p = data;
    end = data + len;
    rc = LLM_OK;

    while (p < end && rc == LLM_OK) {

        switch (s->state) {

        case sw_prelude:
            p += llm_eventstream_fixed(s, p, end - p,
                                       LLM_EVENTSTREAM_PRELUDE);

            if (s->have == LLM_EVENTSTREAM_PRELUDE) {
                rc = llm_eventstream_prelude(s);
            }

            break;

        case sw_payload:
            n = (size_t) (end - p) < s->payload ? (size_t) (end - p)
                                                : s->payload;

            s->crc = llm_eventstream_crc(s->crc, p, n);
            s->payload -= (uint32_t) n;

            if (s->payload == 0) {
                s->state = sw_crc;
            }

            piece->data = (unsigned char *) p;
            piece->len = n;

            *used = (size_t) (p + n - data);

            return LLM_SSE_DATA;

        case sw_crc:
            p += llm_eventstream_fixed(s, p, end - p, 4);

            if (s->have < 4) {
                break;
            }

            if (llm_eventstream_number(s->fixed) != s->crc) {
                rc = LLM_INVALID;
                break;
            }

            s->have = 0;
            s->state = sw_prelude;
            *used = (size_t) (p - data);

            return LLM_SSE_EVENT;

        case sw_broken:
            rc = LLM_INVALID;
            break;

        default:
            p += llm_eventstream_header(s, p, end, &rc);
            break;
        }
    }

    *used = (size_t) (p - data);

    if (rc != LLM_OK) {
        s->state = sw_broken;
        return rc;
    }

    return LLM_AGAIN;
}


static int
llm_eventstream_prelude(llm_eventstream_t *s)
{
    uint32_t  total, headers;

    total = llm_eventstream_number(s->fixed);
    headers = llm_eventstream_number(s->fixed + 4);

    if (llm_eventstream_crc(0, s->fixed, 8)
            != llm_eventstream_number(s->fixed + 8)
        || total < LLM_EVENTSTREAM_OVERHEAD
        || headers > total - LLM_EVENTSTREAM_OVERHEAD)
    {
        return LLM_INVALID;
    }

    if (headers > LLM_EVENTSTREAM_MAX_HEADERS
        || total - headers - LLM_EVENTSTREAM_OVERHEAD
           > LLM_EVENTSTREAM_MAX_PAYLOAD)
    {
        return LLM_LIMIT;
    }

    s->crc = llm_eventstream_crc(0, s->fixed, LLM_EVENTSTREAM_PRELUDE);
    s->headers = headers;
    s->payload = total - headers - LLM_EVENTSTREAM_OVERHEAD;

    s->have = 0;
    s->name_len = 0;
    s->text_len = 0;
    s->exception = 0;
    s->named = 0;

    llm_eventstream_next_header(s);

    return LLM_OK;
}


/* takes what there is of the headers' part at hand */

static size_t
llm_eventstream_header(llm_eventstream_t *s, const unsigned char *p,
    const unsigned char *end, int *rc)
{
    size_t  n, i;

    n = (size_t) (end - p);

    if (n > s->headers) {
        n = s->headers;
    }

    switch (s->state) {

    case sw_key_len:
        n = 1;
        s->left = p[0];
        s->key_len = 0;
        s->state = s->left ? sw_key : sw_type;
        break;

    case sw_key:
        n = n < s->left ? n : s->left;

        for (i = 0; i < n && s->key_len < sizeof(s->key); i++) {
            s->key[s->key_len++] = p[i];
        }

        s->left -= (uint32_t) n;
        s->state = s->left ? sw_key : sw_type;
        break;

    case sw_type:
        n = 1;
        *rc = llm_eventstream_type(s, p[0]);
        break;

    case sw_value_len:
        n = n < 2u - s->have ? n : 2u - s->have;

        for (i = 0; i < n; i++) {
            s->fixed[s->have++] = p[i];
        }

        if (s->have == 2) {
            s->left = (uint32_t) s->fixed[0] << 8 | s->fixed[1];
            s->have = 0;
            s->state = sw_value;
        }

        break;

    default: /* sw_value */
        n = n < s->left ? n : s->left;
        llm_eventstream_value(s, p, n);
        s->left -= (uint32_t) n;
    }

    s->crc = llm_eventstream_crc(s->crc, p, n);
    s->headers -= (uint32_t) n;

    if (s->state == sw_value && s->left == 0) {
        llm_eventstream_next_header(s);

    } else if (s->headers == 0) {
        /* cut in the middle of one */
        *rc = LLM_INVALID;
    }

    return n;
}


static int
llm_eventstream_type(llm_eventstream_t *s, unsigned char type)
{
    size_t  i;

    if (type >= LLM_EVENTSTREAM_TYPES) {
        return LLM_INVALID;
    }

    s->type = type;
    s->header = LLM_EVENTSTREAM_NONE;
    s->have = 0;

    for (i = 1; type == LLM_EVENTSTREAM_STRING
                && i < sizeof(llm_eventstream_keys) / sizeof(llm_str_t); i++)
    {
        if (llm_eventstream_keys[i].len == s->key_len
            && memcmp(llm_eventstream_keys[i].data, s->key, s->key_len) == 0)
        {
            s->header = (uint8_t) i;
        }
    }

    if (type == LLM_EVENTSTREAM_BYTES || type == LLM_EVENTSTREAM_STRING) {
        s->state = sw_value_len;
        return LLM_OK;
    }

    s->left = llm_eventstream_sizes[type];
    s->state = sw_value;

    return LLM_OK;
}


static void
llm_eventstream_value(llm_eventstream_t *s, const unsigned char *p,
    size_t len)
{
    size_t  i;

    switch (s->header) {

    case LLM_EVENTSTREAM_EXCEPTION:
    case LLM_EVENTSTREAM_CODE:

        if (!s->named) {
            s->named = 1;
            s->exception = 1;
            s->name_len = 0;
        }

        /* fall through */

    case LLM_EVENTSTREAM_EVENT:

        if (s->header == LLM_EVENTSTREAM_EVENT && s->named) {
            return;
        }

        for (i = 0; i < len && s->name_len < sizeof(s->name); i++) {
            s->name[s->name_len++] = p[i];
        }

        return;

    case LLM_EVENTSTREAM_KIND:

        /* "event", or else "exception", "error": the second letter tells */

        for (i = 0; i < len && s->have < 2; i++) {
            s->fixed[s->have++] = p[i];
        }

        if (s->have == 2 && s->fixed[1] != 'v') {
            s->exception = 1;
        }

        return;

    case LLM_EVENTSTREAM_MESSAGE:

        for (i = 0; i < len && s->text_len < sizeof(s->text); i++) {
            s->text[s->text_len++] = p[i];
        }

        return;

    default:
        return;
    }
}


static void
llm_eventstream_next_header(llm_eventstream_t *s)
{
    s->have = 0;

    if (s->headers) {
        s->state = sw_key_len;
        return;
    }

    s->state = s->payload ? sw_payload : sw_crc;
}


/* fills s->fixed up to size; how many bytes were taken */

static size_t
llm_eventstream_fixed(llm_eventstream_t *s, const unsigned char *p,
    size_t len, size_t size)
{
    size_t  n;

    n = size - s->have;
    n = len < n ? len : n;

    memcpy(s->fixed + s->have, p, n);
    s->have += (uint8_t) n;

    return n;
}


static uint32_t
llm_eventstream_number(const unsigned char *p)
{
    return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16
           | (uint32_t) p[2] << 8 | p[3];
}


/* CRC-32 of IEEE 802.3, four bits at a time; 0 begins */

static uint32_t
llm_eventstream_crc(uint32_t crc, const unsigned char *p, size_t len)
{
    static const uint32_t  table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
        0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c
    };

    crc = ~crc;

    while (len--) {
        crc ^= *p++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }

    return ~crc;
}


llm_str_t
llm_eventstream_name(const llm_eventstream_t *s)
{
    llm_str_t  name;

    name.data = (unsigned char *) s->name;
    name.len = s->name_len;

    return name;
}


llm_str_t
llm_eventstream_text(const llm_eventstream_t *s)
{
    llm_str_t  text;

    text.data = (unsigned char *) s->text;
    text.len = s->text_len;

    return text;
}


int
llm_eventstream_complete(const llm_eventstream_t *s)
{
    return s->state == sw_prelude && s->have == 0;
}
