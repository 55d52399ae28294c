
/* the partition of units: clamping, sums, estimates, print */


#include "unit.h"
#include "llm_usage.h"


static llm_str_t
printed(llm_buf_t *b)
{
    llm_str_t  s;

    s.len = b->len;
    s.data = b->data;

    return s;
}


static void
test_set(void)
{
    llm_usage_t  u;

    memset(&u, 0, sizeof(u));

    llm_usage_set(&u, LLM_USAGE_INPUT, 12);
    llm_usage_set(&u, LLM_USAGE_OUTPUT, -5);
    llm_usage_set(&u, LLM_USAGE_REQUESTS, INT64_MAX);

    is_int(u.units[LLM_USAGE_INPUT], 12, "a unit is set");
    is_int(u.units[LLM_USAGE_OUTPUT], 0, "a negative one is 0");
    is_int(u.units[LLM_USAGE_REQUESTS], LLM_USAGE_MAX, "a huge one is capped");

    is_int(u.known, (1 << LLM_USAGE_INPUT) | (1 << LLM_USAGE_OUTPUT)
                    | (1 << LLM_USAGE_REQUESTS),
           "what was set is known, and only that");
}


static void
test_sums(void)
{
    unsigned     i;
    llm_usage_t  u;

    memset(&u, 0, sizeof(u));

    /* one digit each: a unit in both sums or in none shows */

    llm_usage_set(&u, LLM_USAGE_INPUT, 1);
    llm_usage_set(&u, LLM_USAGE_CACHE_READ, 10);
    llm_usage_set(&u, LLM_USAGE_CACHE_WRITE_5M, 100);
    llm_usage_set(&u, LLM_USAGE_CACHE_WRITE_1H, 1000);
    llm_usage_set(&u, LLM_USAGE_AUDIO_INPUT, 10000);
    llm_usage_set(&u, LLM_USAGE_IMAGE_INPUT, 100000);
    llm_usage_set(&u, LLM_USAGE_OUTPUT, 1);
    llm_usage_set(&u, LLM_USAGE_REASONING, 10);
    llm_usage_set(&u, LLM_USAGE_AUDIO_OUTPUT, 100);
    llm_usage_set(&u, LLM_USAGE_IMAGE_OUTPUT, 1000);

    for (i = LLM_USAGE_IMAGES; i < LLM_USAGE_N; i++) {
        llm_usage_set(&u, i, 7000000);
    }

    is_int(llm_usage_input(&u), 111111, "all input tokens");
    is_int(llm_usage_output(&u), 1111, "all output tokens");

    for (i = 0; i < LLM_USAGE_N; i++) {
        llm_usage_set(&u, i, INT64_MAX);
    }

    is_int(llm_usage_input(&u), 6 * LLM_USAGE_MAX, "no overflow of input");
    is_int(llm_usage_output(&u), 4 * LLM_USAGE_MAX, "no overflow of output");
}


static void
test_estimate(void)
{
    is_int(llm_usage_estimate(0), 0, "no bytes, no tokens");
    is_int(llm_usage_estimate(1), 1, "one byte is a token");
    is_int(llm_usage_estimate(4), 1, "so are four");
    is_int(llm_usage_estimate(5), 2, "rounded up");
    is_int(llm_usage_estimate(UINT64_MAX), LLM_USAGE_MAX, "capped");
}


static void
test_print(void)
{
    unsigned      i;
    llm_buf_t     b;
    llm_usage_t   u;
    llm_arena_t  *arena;

    static const struct {
        int64_t      milli;
        const char  *text;
    } tests[] = {
        { 0, "{\"audio_seconds\":0}" },
        { 1, "{\"audio_seconds\":0.001}" },
        { 10, "{\"audio_seconds\":0.01}" },
        { 100, "{\"audio_seconds\":0.1}" },
        { 999, "{\"audio_seconds\":0.999}" },
        { 1000, "{\"audio_seconds\":1}" },
        { 12500, "{\"audio_seconds\":12.5}" },
        { 12050, "{\"audio_seconds\":12.05}" },
        { 100000, "{\"audio_seconds\":100}" },
        { INT64_MAX, "{\"audio_seconds\":9007199254740.992}" }
    };

    arena = llm_arena_create(1 << 20);

    memset(&u, 0, sizeof(u));
    llm_buf_init(&b, arena);
    llm_usage_print(&u, &b);
    is_str(printed(&b), "{}", "nothing is known");

    /* set out of order, printed in the record's order; 0 is told if known */

    llm_usage_set(&u, LLM_USAGE_REQUESTS, 1);
    llm_usage_set(&u, LLM_USAGE_VIDEO_SECONDS, 8000);
    llm_usage_set(&u, LLM_USAGE_CACHE_READ, 0);
    llm_usage_set(&u, LLM_USAGE_INPUT, 12);

    llm_buf_init(&b, arena);
    llm_usage_print(&u, &b);
    is_str(printed(&b), "{\"input\":12,\"cache_read\":0,"
           "\"video_seconds\":8,\"requests\":1}", "known units in order");

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        memset(&u, 0, sizeof(u));
        llm_usage_set(&u, LLM_USAGE_AUDIO_SECONDS, tests[i].milli);

        llm_buf_init(&b, arena);
        llm_usage_print(&u, &b);
        is_str(printed(&b), tests[i].text, "decimals: %s", tests[i].text);
    }

    llm_arena_free(arena);
}


int
main(void)
{
    plan(0);

    is_str(llm_usage_names[LLM_USAGE_CACHE_WRITE_1H], "cache_write_1h",
           "names are in the order of units");

    test_set();
    test_sums();
    test_estimate();
    test_print();

    return unit_end();
}
