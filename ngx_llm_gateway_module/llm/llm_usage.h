
/*
 * Usage as one partition of units: no token is counted in two of them,
 * whatever a provider's own numbers include.
 */


#ifndef _LLM_USAGE_H_INCLUDED_
#define _LLM_USAGE_H_INCLUDED_


#include "llm_base.h"


/*
 * name in records and variables, what one of it is.  Order is the order of
 * the record.  audio_seconds is in thousandths: see LLM_USAGE_MILLI.
 */

#define LLM_USAGE_MAP(U)                                                      \
    U(INPUT,          input,          "uncached text input tokens")           \
    U(CACHE_READ,     cache_read,     "input tokens read from a cache")       \
    U(CACHE_WRITE_5M, cache_write_5m, "input tokens cached, short")           \
    U(CACHE_WRITE_1H, cache_write_1h, "input tokens cached for an hour")      \
    U(AUDIO_INPUT,    audio_input,    "audio input tokens")                   \
    U(IMAGE_INPUT,    image_input,    "image input tokens")                   \
    U(OUTPUT,         output,         "text output tokens")                   \
    U(REASONING,      reasoning,      "reasoning output tokens")              \
    U(AUDIO_OUTPUT,   audio_output,   "audio output tokens")                  \
    U(IMAGE_OUTPUT,   image_output,   "image output tokens")                  \
    U(IMAGES,         images,         "images made")                          \
    U(VIDEO_SECONDS,  video_seconds,  "seconds of video made")                \
    U(AUDIO_SECONDS,  audio_seconds,  "seconds of audio heard or made")       \
    U(CHARACTERS,     characters,     "characters spoken")                    \
    U(SEARCHES,       searches,       "searches made")                        \
    U(REQUESTS,       requests,       "calls answered")


typedef enum {
#define LLM_USAGE_ENUM(u, name, help)  LLM_USAGE_##u,
    LLM_USAGE_MAP(LLM_USAGE_ENUM)
#undef LLM_USAGE_ENUM
    LLM_USAGE_N
} llm_usage_e;


/* units[] of these count thousandths */
#define LLM_USAGE_MILLI(i)                                                    \
    ((i) == LLM_USAGE_AUDIO_SECONDS || (i) == LLM_USAGE_VIDEO_SECONDS)

#define LLM_USAGE_MAX  ((int64_t) 1 << 53)


typedef struct {
    int64_t          units[LLM_USAGE_N];
    uint32_t         known;          /* bit per unit: told, or estimated */
    unsigned         estimated:1;
} llm_usage_t;


extern const llm_str_t  llm_usage_names[LLM_USAGE_N];


/* sets a unit, clamped to 0 .. LLM_USAGE_MAX, and marks it known */
void llm_usage_set(llm_usage_t *u, llm_usage_e unit, int64_t n);

/* all input tokens: cached and audio ones included; all output tokens */
int64_t llm_usage_input(const llm_usage_t *u);
int64_t llm_usage_output(const llm_usage_t *u);

/* tokens in a text of this many bytes, where nothing better is known */
int64_t llm_usage_estimate(uint64_t bytes);

/* appends {"input":12,...}, known units only; seconds as decimals */
void llm_usage_print(const llm_usage_t *u, llm_buf_t *out);


#endif /* _LLM_USAGE_H_INCLUDED_ */
