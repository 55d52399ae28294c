
/*
 * The journal's bytes.
 */


#include "llm_journal.h"


#define LLM_JOURNAL_MAGIC  "llmstate"


static uint32_t llm_journal_get(const unsigned char *p);
static void llm_journal_put(unsigned char *p, uint32_t n);


/* by half bytes: 64 bytes of table do, and start-up is not short of time */

static const uint32_t  llm_journal_table[] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
    0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
    0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c
};


uint32_t
llm_journal_crc(uint32_t crc, const void *data, size_t len)
{
    const unsigned char *p = data;

    crc = ~crc;

    while (len--) {
        crc ^= *p++;
        crc = llm_journal_table[crc & 0xf] ^ (crc >> 4);
        crc = llm_journal_table[crc & 0xf] ^ (crc >> 4);
    }

    return ~crc;
}


void
llm_journal_write_header(unsigned char *p)
{
    memcpy(p, LLM_JOURNAL_MAGIC, 8);
    llm_journal_put(p + 8, LLM_JOURNAL_VERSION);
    llm_journal_put(p + 12, llm_journal_crc(0, p, 12));
}


int
llm_journal_read_header(const unsigned char *p, size_t len, uint32_t *version)
{
    if (len < LLM_JOURNAL_HEADER
        || memcmp(p, LLM_JOURNAL_MAGIC, 8) != 0
        || llm_journal_get(p + 12) != llm_journal_crc(0, p, 12))
    {
        return LLM_INVALID;
    }

    *version = llm_journal_get(p + 8);

    return *version == LLM_JOURNAL_VERSION ? LLM_OK : LLM_LIMIT;
}


size_t
llm_journal_size(size_t key, size_t value)
{
    return LLM_JOURNAL_RECORD + key + value;
}


unsigned char *
llm_journal_write(unsigned char *p, const llm_journal_record_t *record)
{
    unsigned char  *last;

    p[4] = (unsigned char) record->kind;
    p[5] = 0;
    p[6] = (unsigned char) record->key.len;
    p[7] = (unsigned char) (record->key.len >> 8);

    llm_journal_put(p + 8, (uint32_t) record->value.len);

    last = p + LLM_JOURNAL_RECORD;

    memcpy(last, record->key.data, record->key.len);
    last += record->key.len;

    if (record->value.len) {
        memcpy(last, record->value.data, record->value.len);
        last += record->value.len;
    }

    llm_journal_put(p, llm_journal_crc(0, p + 4, last - (p + 4)));

    return last;
}


int
llm_journal_read(llm_str_t *rest, llm_journal_record_t *record)
{
    size_t          key, value, size;
    unsigned char  *p;

    if (rest->len == 0) {
        return LLM_DECLINED;
    }

    if (rest->len < LLM_JOURNAL_RECORD) {
        return LLM_AGAIN;
    }

    p = rest->data;

    key = p[6] + ((size_t) p[7] << 8);
    value = llm_journal_get(p + 8);

    if (p[4] == 0 || p[5] != 0
        || key == 0 || key > LLM_JOURNAL_KEY_MAX
        || value > LLM_JOURNAL_VALUE_MAX)
    {
        return LLM_INVALID;
    }

    size = llm_journal_size(key, value);

    if (size > rest->len) {
        return LLM_AGAIN;
    }

    if (llm_journal_get(p) != llm_journal_crc(0, p + 4, size - 4)) {
        return LLM_INVALID;
    }

    record->kind = p[4];
    record->key.data = p + LLM_JOURNAL_RECORD;
    record->key.len = key;
    record->value.data = record->key.data + key;
    record->value.len = value;

    rest->data += size;
    rest->len -= size;

    return LLM_OK;
}


void
llm_journal_skip(llm_str_t *rest)
{
    llm_str_t             next;
    llm_journal_record_t  record;

    while (rest->len) {

        rest->data++;
        rest->len--;

        next = *rest;

        if (llm_journal_read(&next, &record) == LLM_OK) {
            return;
        }
    }
}


static uint32_t
llm_journal_get(const unsigned char *p)
{
    return p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16
           | (uint32_t) p[3] << 24;
}


static void
llm_journal_put(unsigned char *p, uint32_t n)
{
    p[0] = (unsigned char) n;
    p[1] = (unsigned char) (n >> 8);
    p[2] = (unsigned char) (n >> 16);
    p[3] = (unsigned char) (n >> 24);
}
