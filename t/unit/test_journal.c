
/*
 * The journal's bytes: written and read, cut at every place, with every bit
 * changed, and with damage between records.
 */


#include "unit.h"
#include "llm_journal.h"


static unsigned char  bytes[64 * 1024];
static size_t         used;


static void
put(unsigned kind, const char *key, const char *value)
{
    unsigned char         *last;
    llm_journal_record_t   record;

    record.kind = kind;
    record.key = unit_str(key);
    record.value = unit_str(value);

    last = llm_journal_write(bytes + used, &record);

    is_int(last - (bytes + used), llm_journal_size(record.key.len,
                                                   record.value.len),
           "a record of \"%s\" has the size that was told", key);

    used = last - bytes;
}


static llm_str_t
all(void)
{
    llm_str_t  rest;

    rest.data = bytes;
    rest.len = used;

    return rest;
}


static void
test_header(void)
{
    int            rc, i, bad;
    uint32_t       version;
    unsigned char  p[LLM_JOURNAL_HEADER];

    llm_journal_write_header(p);

    version = 0;
    rc = llm_journal_read_header(p, sizeof(p), &version);

    is_int(rc, LLM_OK, "a header is read");
    is_int(version, LLM_JOURNAL_VERSION, "with its version");

    for (bad = 0, i = 0; i < LLM_JOURNAL_HEADER; i++) {
        bad += llm_journal_read_header(p, i, &version) != LLM_INVALID;
    }

    is_int(bad, 0, "a header that is cut is none");

    for (bad = 0, i = 0; i < 8 * LLM_JOURNAL_HEADER; i++) {
        p[i / 8] ^= 1 << i % 8;
        bad += llm_journal_read_header(p, sizeof(p), &version) != LLM_INVALID;
        p[i / 8] ^= 1 << i % 8;
    }

    is_int(bad, 0, "nor is one with any bit changed");

    p[8] = 7;
    i = (int) llm_journal_crc(0, p, 12);
    p[12] = (unsigned char) i;
    p[13] = (unsigned char) (i >> 8);
    p[14] = (unsigned char) (i >> 16);
    p[15] = (unsigned char) (i >> 24);

    rc = llm_journal_read_header(p, sizeof(p), &version);

    is_int(rc, LLM_LIMIT, "another version is told from damage");
    is_int(version, 7, "and named");

    is_int(llm_journal_crc(0, "123456789", 9), 0xcbf43926,
           "the CRC is that of IEEE 802.3");
    is_int(llm_journal_crc(llm_journal_crc(0, "1234", 4), "56789", 5),
           0xcbf43926, "in pieces too");
}


static void
test_records(void)
{
    int                   rc;
    llm_str_t             rest;
    llm_journal_record_t  record;

    used = 0;
    put(1, "team=search", "first");
    put(255, "k", "");
    put(1, "team=search", "second");

    rest = all();

    is_int(llm_journal_read(&rest, &record), LLM_OK, "the first record");
    is_int(record.kind, 1, "kind");
    is_str(record.key, "team=search", "key");
    is_str(record.value, "first", "value");

    is_int(llm_journal_read(&rest, &record), LLM_OK, "the second record");
    is_int(record.kind, 255, "the last kind");
    is_str(record.value, "", "no value");

    is_int(llm_journal_read(&rest, &record), LLM_OK, "the third record");
    is_str(record.value, "second", "value");

    rc = llm_journal_read(&rest, &record);

    is_int(rc, LLM_DECLINED, "the end");
    is_int(rest.len, 0, "nothing is left");
}


static void
test_cut(void)
{
    int                   bad;
    size_t                n, whole;
    llm_str_t             rest, before;
    llm_journal_record_t  record;

    used = 0;
    put(1, "whole", "v");
    whole = used;
    put(2, "a longer key", "and a value");

    for (bad = 0, n = whole + 1; n < used; n++) {

        rest = all();
        rest.len = n;

        bad += llm_journal_read(&rest, &record) != LLM_OK;
        before = rest;
        bad += llm_journal_read(&rest, &record) != LLM_AGAIN;
        bad += rest.data != before.data || rest.len != before.len;

        llm_journal_skip(&rest);
        bad += rest.len != 0;
    }

    is_int(bad, 0, "a record that is cut anywhere is told from damage");
}


static void
test_damage(void)
{
    int                   bad, rc;
    size_t                i, first, second;
    llm_str_t             rest;
    llm_journal_record_t  record;

    used = 0;
    put(1, "one", "1111");
    first = used;
    put(1, "two", "2222");
    second = used;
    put(1, "three", "3333");

    for (bad = 0, i = 8 * first; i < 8 * second; i++) {

        bytes[i / 8] ^= 1 << i % 8;

        rest = all();

        bad += llm_journal_read(&rest, &record) != LLM_OK;

        rc = llm_journal_read(&rest, &record);
        bad += rc != LLM_INVALID && rc != LLM_AGAIN;

        llm_journal_skip(&rest);

        bad += llm_journal_read(&rest, &record) != LLM_OK
               || record.value.data[0] != '3';

        bytes[i / 8] ^= 1 << i % 8;
    }

    is_int(bad, 0, "any bit changed costs that record and no other");

    memset(bytes + first, 0, second - first);

    rest = all();
    (void) llm_journal_read(&rest, &record);

    is_int(llm_journal_read(&rest, &record), LLM_INVALID,
           "a hole of zeros is no record");

    llm_journal_skip(&rest);

    is_int(llm_journal_read(&rest, &record), LLM_OK, "what follows it is");
    is_str(record.key, "three", "the next one");
}


static void
test_limits(void)
{
    llm_str_t             rest;
    static unsigned char  big[LLM_JOURNAL_RECORD_MAX];
    llm_journal_record_t  record;

    record.kind = 1;
    record.key.data = big;
    record.key.len = LLM_JOURNAL_KEY_MAX;
    record.value.data = big;
    record.value.len = LLM_JOURNAL_VALUE_MAX;

    used = llm_journal_write(bytes, &record) - bytes;
    rest = all();

    is_int(used, LLM_JOURNAL_RECORD_MAX, "the largest record");
    is_int(llm_journal_read(&rest, &record), LLM_OK, "is read");
    is_int(record.value.len, LLM_JOURNAL_VALUE_MAX, "whole");

    record.value.len++;
    used = llm_journal_write(bytes, &record) - bytes;
    rest = all();

    is_int(llm_journal_read(&rest, &record), LLM_INVALID, "a larger is not");

    record.value.len = 0;
    record.key.len = 0;
    used = llm_journal_write(bytes, &record) - bytes;
    rest = all();

    is_int(llm_journal_read(&rest, &record), LLM_INVALID,
           "nor is one without a key");
}


int
main(void)
{
    plan(0);

    test_header();
    test_records();
    test_cut();
    test_damage();
    test_limits();

    return unit_end();
}
