
/*
 * What a provider says of its failure and its limits: status and body, then
 * lines of headers.  Whatever it sends, pauses stay in their bounds.
 *
 * The first byte chooses the status.
 */


#include "llm_failure.h"
#include "llm_pace.h"

#include <stdlib.h>


#define check(cond)  do { if (!(cond)) { abort(); } } while (0)


static const unsigned  statuses[] = { 400, 401, 402, 403, 413, 429, 500, 503 };


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    size_t          i, colon, start, used;
    int64_t         ms;
    llm_str_t       text, name, value;
    llm_pace_t      pace;
    llm_failure_t   f;

    if (len == 0) {
        return 0;
    }

    text.data = (unsigned char *) data + 1;
    text.len = len - 1;

    llm_failure_read(statuses[data[0] % 8], &text, &f);

    check(f.kind > LLM_FAILURE_NONE && f.kind < LLM_FAILURE_N);
    check(f.delay_ms >= -1 && f.delay_ms <= LLM_PACE_MAX);

    ms = llm_pace_duration(&text, &used);

    check(ms >= -1 && ms <= LLM_PACE_MAX && used <= text.len);
    check((ms < 0) == (used == 0));

    llm_pace_init(&pace);

    start = 0;
    colon = (size_t) -1;

    for (i = 0; i <= text.len; i++) {

        if (i < text.len && text.data[i] != '\n') {

            if (text.data[i] == ':' && colon == (size_t) -1) {
                colon = i;
            }

            continue;
        }

        if (colon != (size_t) -1) {
            name.data = text.data + start;
            name.len = colon - start;
            value.data = text.data + colon + 1;
            value.len = i - colon - 1;

            (void) llm_pace_header(&pace, &name, &value, 1735689600500);
        }

        start = i + 1;
        colon = (size_t) -1;
    }

    ms = llm_pace_pause(&pace);

    check(ms >= 0 && ms <= LLM_PACE_MAX);
    check((ms != 0) == (pace.empty != 0));
    check(pace.retry_after_ms >= -1 && pace.retry_after_ms <= LLM_PACE_MAX);

    return 0;
}
