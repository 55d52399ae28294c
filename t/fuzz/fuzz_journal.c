
/*
 * Bytes found on disk as a journal: whatever is read lies inside of them, and
 * written again gives the same bytes.
 */


#include "llm_journal.h"

#include <stdlib.h>


#define check(cond)  do { if (!(cond)) { abort(); } } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                    rc;
    size_t                 n;
    uint32_t               version;
    llm_str_t              rest, before;
    unsigned char         *p;
    llm_journal_record_t   record;

    static unsigned char   again[LLM_JOURNAL_RECORD_MAX];

    rc = llm_journal_read_header(data, size, &version);

    check(rc != LLM_OK || version == LLM_JOURNAL_VERSION);

    rest.data = (unsigned char *) data;
    rest.len = size;

    if (rc == LLM_OK) {
        rest.data += LLM_JOURNAL_HEADER;
        rest.len -= LLM_JOURNAL_HEADER;
    }

    while (rest.len) {

        before = rest;
        rc = llm_journal_read(&rest, &record);

        if (rc != LLM_OK) {
            check(rc == LLM_AGAIN || rc == LLM_INVALID);
            check(rest.data == before.data && rest.len == before.len);

            llm_journal_skip(&rest);

            check(rest.len < before.len);
            continue;
        }

        check(rest.data + rest.len == data + size);
        check(record.kind > 0 && record.kind < 256);

        n = llm_journal_size(record.key.len, record.value.len);

        check(n == before.len - rest.len);

        p = llm_journal_write(again, &record);

        check((size_t) (p - again) == n);
        check(memcmp(again, before.data, n) == 0);
    }

    return 0;
}
