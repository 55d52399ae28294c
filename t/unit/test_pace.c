
/*
 * Durations, dates and the headers that tell what is left of a rate limit.
 */


#include "unit.h"
#include "llm_pace.h"


#define NOW  1735689600500     /* 2025-01-01T00:00:00.5Z */


static const struct {
    const char      *text;
    int64_t          ms;
    unsigned         used;
} durations[] = {
    { "120ms", 120, 5 },
    { "6m0s", 360000, 4 },
    { "1h2m3s", 3723000, 6 },
    { "1h2m3.5s", 3723500, 8 },
    { "17.39s", 17390, 6 },
    { "2m59.56s", 179560, 8 },
    { "1.0005s", 1000, 7 },
    { "2d", 86400000, 2 },
    { "0s", 0, 2 },
    { "30", 30000, 2 },
    { "1.5", 1500, 3 },
    { "999999999999999999999h", 86400000, 22 },
    { "34.4s.", 34400, 5 },
    { "34.s", 34000, 2 },
    { "5 seconds", 5000, 1 },
    { "5m3", 300000, 2 },
    { "", -1, 0 },
    { "s", -1, 0 },
    { "-1s", -1, 0 },
    { ".5s", -1, 0 }
};


/* headers, one a line; what was asked for, and the pause before a 429 */

static const struct {
    const char      *headers;
    int64_t          retry_after_ms;
    int64_t          pause_ms;
} answers[] = {
    { "retry-after: 3", 3000, 0 },
    { "retry-after: 0", 0, 0 },
    { "retry-after: 1.5", 1500, 0 },
    { "retry-after-ms: 2500", 2500, 0 },
    { "retry-after-ms: 2500\nretry-after: 3", 2500, 0 },
    { "retry-after: 3\nretry-after-ms: 2500", 2500, 0 },
    { "retry-after-ms: 120000", 120000, 0 },
    { "retry-after-ms: 999999999999", 86400000, 0 },
    { "retry-after-ms: 1s", -1, 0 },
    { "retry-after: soon", -1, 0 },
    { "retry-after-x: 3", -1, 0 },

    /* the window that is used up counts, not one that is not */

    { "x-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 1s\n"
      "x-ratelimit-remaining-tokens: 9\nx-ratelimit-reset-tokens: 6m0s",
      -1, 1000 },
    { "x-ratelimit-remaining-requests: 5\nx-ratelimit-reset-requests: 1s\n"
      "x-ratelimit-remaining-tokens: 0\nx-ratelimit-reset-tokens: 6m0s",
      -1, 360000 },
    { "x-ratelimit-reset-tokens: 17.39s\nx-ratelimit-remaining-tokens: 0\n"
      "x-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 2s",
      -1, 17390 },
    { "x-ratelimit-remaining-tokens: -12\nx-ratelimit-reset-tokens: 20",
      -1, 20000 },
    { "x-ratelimit-remaining-tokens: 00\nx-ratelimit-reset-tokens: 1s",
      -1, 1000 },
    { "x-ratelimit-remaining-tokens: 10\nx-ratelimit-reset-tokens: 1s", -1, 0 },
    { "x-ratelimit-remaining-tokens:\nx-ratelimit-reset-tokens: 1s", -1, 0 },
    { "x-ratelimit-limit-tokens: 0\nx-ratelimit-reset-tokens: 1s", -1, 0 },
    { "x-ratelimit-remaining: 0\nx-ratelimit-reset: 4", -1, 4000 },
    { "x-ratelimit-remaining: 0\nx-ratelimit-reset: 1735689603", -1, 2500 },
    { "x-ratelimit-remaining: 0\nx-ratelimit-reset: 1735689601750", -1, 1250 },
    { "x-ratelimit-remaining-project-tokens: 0\n"
      "x-ratelimit-reset-project-tokens: 3s", -1, 3000 },

    /* azure; xai without any reset; mistral, by the clock's minute */

    { "x-ratelimit-remaining-requests: 0\n"
      "x-ratelimit-renewalperiod-requests: 10", -1, 10000 },
    { "x-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 3\n"
      "x-ratelimit-renewalperiod-requests: 10", -1, 3000 },
    { "x-ratelimit-remaining-requests: 0", -1, LLM_PACE_UNKNOWN },
    { "x-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: later",
      -1, LLM_PACE_UNKNOWN },
    { "x-ratelimit-remaining-req-minute: 0", -1, 59500 },
    { "x-ratelimit-remaining-tokens-minute: 0\n"
      "x-ratelimit-remaining-req-minute: 3", -1, 59500 },
    { "x-ratelimit-remaining-req-minute: 3\n"
      "x-ratelimit-tokens-query-cost: 0", -1, 0 },

    /* anthropic */

    { "anthropic-ratelimit-requests-remaining: 0\n"
      "anthropic-ratelimit-requests-reset: 2025-01-01T00:00:03Z\n"
      "anthropic-ratelimit-tokens-remaining: 7\n"
      "anthropic-ratelimit-tokens-reset: 2025-01-01T01:00:00Z", -1, 2500 },
    { "anthropic-ratelimit-input-tokens-remaining: 0\n"
      "anthropic-ratelimit-input-tokens-reset: 2025-01-01T00:01:00Z", -1,
      59500 },
    { "anthropic-ratelimit-output-tokens-remaining: 0\n"
      "anthropic-ratelimit-output-tokens-reset: 2025-01-01T01:00:10.25+01:00",
      -1, 9750 },
    { "anthropic-ratelimit-output-tokens-remaining: 0\n"
      "anthropic-ratelimit-output-tokens-reset: 2024-12-31T23:00:10-01:00",
      -1, 9500 },
    { "anthropic-ratelimit-tokens-remaining: 0\n"
      "anthropic-ratelimit-tokens-reset: 2024-12-31T23:59:59Z", -1,
      LLM_PACE_UNKNOWN },
    { "anthropic-ratelimit-tokens-remaining: 0\n"
      "anthropic-ratelimit-tokens-reset: 2026-01-01T00:00:00Z", -1, 86400000 },
    { "anthropic-ratelimit-tokens-remaining: 0\n"
      "anthropic-ratelimit-tokens-reset: 2025-13-01T00:00:00Z", -1,
      LLM_PACE_UNKNOWN },
    { "anthropic-ratelimit-tokens-remaining: 0\n"
      "anthropic-ratelimit-tokens-reset: 2025-01-01T00:00:0", -1,
      LLM_PACE_UNKNOWN },
    { "anthropic-ratelimit-tokens-limit: 0", -1, 0 },
    { "anthropic-ratelimit-: 0", -1, 0 },
    { "anthropic-version: 0", -1, 0 },
    { "x-ratelimit-: 0", -1, 0 },
    { "x-request-id: 0", -1, 0 }
};


/* a copy without a final zero: reading beyond shows */

static llm_str_t
exact(const char *p, size_t len)
{
    llm_str_t  s;

    s.len = len;
    s.data = malloc(len ? len : 1);
    memcpy(s.data, p, len);

    return s;
}


static void
test_durations(void)
{
    size_t     used;
    int64_t    ms;
    unsigned   i;
    llm_str_t  s;

    for (i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
        s = exact(durations[i].text, strlen(durations[i].text));
        ms = llm_pace_duration(&s, &used);

        is_int(ms, durations[i].ms, "\"%s\"", durations[i].text);
        is_int(used, durations[i].used, "\"%s\": its length",
               durations[i].text);

        free(s.data);
    }
}


static void
test_headers(void)
{
    unsigned     i;
    llm_str_t    name, value;
    llm_pace_t   pace;
    const char  *p, *end, *colon;

    for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {

        llm_pace_init(&pace);

        for (p = answers[i].headers; p; p = *end ? end + 1 : NULL) {

            end = strchr(p, '\n');
            end = end ? end : p + strlen(p);
            colon = memchr(p, ':', end - p);

            name = exact(p, colon - p);
            colon += (colon[1] == ' ') ? 2 : 1;
            value = exact(colon, end - colon);

            (void) llm_pace_header(&pace, &name, &value, NOW);

            free(name.data);
            free(value.data);
        }

        is_int(pace.retry_after_ms, answers[i].retry_after_ms,
               "%s: asked for", answers[i].headers);
        is_int(llm_pace_pause(&pace), answers[i].pause_ms, "%s: pause",
               answers[i].headers);
    }
}


int
main(void)
{
    plan(0);

    test_durations();
    test_headers();

    return unit_end();
}
