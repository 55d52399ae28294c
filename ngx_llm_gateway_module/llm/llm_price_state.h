
/*
 * What a catalogue holds, shared by the files that read it and that count
 * with it.  Nobody else includes this.
 */


#ifndef _LLM_PRICE_STATE_H_INCLUDED_
#define _LLM_PRICE_STATE_H_INCLUDED_


#include "llm_price.h"


/* more different prices than this in one entry are LLM_LIMIT */
#define LLM_PRICE_MAX_RATES  96


/*
 * What is sold, and the catalogue's field for it.  The first ones, up to
 * OUTPUT_IMAGE, are tokens.
 */

#define LLM_PRICE_MAP(P)                                                      \
    P(INPUT,          "input_cost_per_token")                                 \
    P(OUTPUT,         "output_cost_per_token")                                \
    P(REASONING,      "output_cost_per_reasoning_token")                      \
    P(CACHE_READ,     "cache_read_input_token_cost")                          \
    P(CACHE_HIT,      "input_cost_per_token_cache_hit")                       \
    P(CACHE_WRITE,    "cache_creation_input_token_cost")                      \
    P(CACHE_WRITE_1H, "cache_creation_input_token_cost_above_1hr")            \
    P(INPUT_AUDIO,    "input_cost_per_audio_token")                           \
    P(OUTPUT_AUDIO,   "output_cost_per_audio_token")                          \
    P(INPUT_IMAGE,    "input_cost_per_image_token")                           \
    P(OUTPUT_IMAGE,   "output_cost_per_image_token")                          \
    P(IMAGE_IN,       "input_cost_per_image")                                 \
    P(IMAGE_OUT,      "output_cost_per_image")                                \
    P(PIXEL_IN,       "input_cost_per_pixel")                                 \
    P(PIXEL_OUT,      "output_cost_per_pixel")                                \
    P(SECOND_IN,      "input_cost_per_second")                                \
    P(SECOND_OUT,     "output_cost_per_second")                               \
    P(AUDIO_SECOND,   "input_cost_per_audio_per_second")                      \
    P(VIDEO_SECOND,   "output_cost_per_video_per_second")                     \
    P(CHARACTER_IN,   "input_cost_per_character")                             \
    P(CHARACTER_OUT,  "output_cost_per_character")                            \
    P(QUERY,          "input_cost_per_query")                                 \
    P(REQUEST,        "input_cost_per_request")                               \
    P(SEARCH,         "search_context_cost_per_query")


typedef enum {
#define LLM_PRICE_ENUM(p, field)  LLM_PRICE_##p,
    LLM_PRICE_MAP(LLM_PRICE_ENUM)
#undef LLM_PRICE_ENUM
    LLM_PRICE_N
} llm_price_e;


typedef enum {
    LLM_PRICE_STANDARD = 0,
    LLM_PRICE_PRIORITY,
    LLM_PRICE_FLEX
} llm_price_tier_e;


typedef struct {
    int64_t           femto;     /* 1e-15 USD for one */
    int64_t           above;     /* holds with more input tokens than this */
    uint8_t           kind;      /* llm_price_e */
    uint8_t           tier;      /* llm_price_tier_e */
    uint8_t           ranged;    /* a row of tiered_pricing */
} llm_rate_t;


struct llm_price_s {
    llm_price_t      *next;      /* of the same bucket */
    llm_str_t         name;
    llm_str_t         version;

    llm_rate_t       *rates;
    unsigned          nrates;
    unsigned          file;      /* number of the file that named it last */

    int64_t           max_input;
    int64_t           max_output;
    uint64_t          pixels;    /* of the size in its name; 0: none */
    unsigned          sees:1;    /* input_cost_per_image is for images that
                                    it is shown, not for those it makes */
};


struct llm_prices_s {
    llm_arena_t      *arena;
    llm_price_t     **buckets;
    size_t            mask;      /* number of buckets, a power of two, - 1 */
    size_t            n;
    unsigned          files;
};


/* by name; insert makes an empty entry, or returns NULL without memory */
llm_price_t *llm_prices_get(const llm_prices_t *prices, const llm_str_t *name);
llm_price_t *llm_prices_insert(llm_prices_t *prices, const llm_str_t *name);

/*
 * Whether a field of the catalogue is a price: the name of what is sold, then
 * "_above_200k_tokens", then "_priority" or "_flex".  LLM_OK: fills in kind,
 * tier and threshold; LLM_DECLINED: no price that is known here.
 */
int llm_price_field(const llm_str_t *field, llm_rate_t *rate);

/* pixels of "1024x1024" or "1024-x-1024", up to 65535 a side; 0: no size */
uint64_t llm_price_pixels(const llm_str_t *size);


#endif /* _LLM_PRICE_STATE_H_INCLUDED_ */
