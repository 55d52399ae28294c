
/*
 * Prices in the field's catalogue format (model_prices_and_context_window
 * .json of LiteLLM) and the cost of a usage, in integers throughout.
 */


#ifndef _LLM_PRICE_H_INCLUDED_
#define _LLM_PRICE_H_INCLUDED_


#include "llm_base.h"
#include "llm_usage.h"


typedef struct llm_price_s   llm_price_t;     /* one model's prices */
typedef struct llm_prices_s  llm_prices_t;    /* a catalogue */


/*
 * A catalogue from its text, which need not be kept.  A later text is laid
 * over the earlier ones: entry by whole name, field by field.  version is the
 * first 12 hex digits of the file's SHA-256, given by the caller; it marks
 * every entry of this file.  On LLM_INVALID and LLM_LIMIT *err says what and
 * where, in words, and the catalogue must not be used any more.
 */
llm_prices_t *llm_prices_create(llm_arena_t *arena);
int llm_prices_load(llm_prices_t *prices, const unsigned char *data,
    size_t len, const llm_str_t *version, llm_str_t *err);

/*
 * The entry of an upstream model at a provider.  Tried in order: "PREFIX/
 * MODEL" for each prefix given (the provider's name, its protocol's names in
 * the catalogue), MODEL alone, then "public".  Empty strings are skipped.
 * NULL: no price is known.
 */
const llm_price_t *llm_prices_find(const llm_prices_t *prices,
    const llm_str_t *prefixes, unsigned nprefixes, const llm_str_t *model,
    const llm_str_t *public_name);

/*
 * The entry of one kind of image where the catalogue tells them apart by
 * name: "QUALITY/SIZE/MODEL" or "SIZE/MODEL", with each prefix and without.
 * size is "1024x1024" or "1024-x-1024"; without a quality the plain entry is
 * tried, then "standard".  NULL: none such, see llm_prices_find().  A model
 * whose answers tell tokens is priced by llm_prices_find()'s entry instead.
 */
const llm_price_t *llm_prices_image(const llm_prices_t *prices,
    const llm_str_t *prefixes, unsigned nprefixes, const llm_str_t *model,
    const llm_str_t *size, const llm_str_t *quality);

llm_str_t llm_price_version(const llm_price_t *price);

/* max_output_tokens, max_input_tokens of the entry; -1 if not told */
int64_t llm_price_max_output(const llm_price_t *price);
int64_t llm_price_max_input(const llm_price_t *price);

/*
 * A copy of base (or a new one if base is NULL) on which one field of the
 * directive "price" is laid: "input", "cached_input", "cache_write",
 * "cache_write_1h", "output", "reasoning", "audio_input", "audio_output",
 * "image_input", "image_output" in USD per 1M tokens; "image", "video_second",
 * "audio_second", "character", "search", "request" in USD each.  Its version
 * becomes "inline".  LLM_DECLINED: no such field.  LLM_INVALID: no number.
 */
llm_price_t *llm_price_inline(llm_arena_t *arena, const llm_price_t *base);
int llm_price_set(llm_price_t *price, const llm_str_t *field,
    const llm_str_t *usd);

/*
 * What a usage costs.  tier is the service tier of the answer ("priority",
 * "flex", or empty); size and quality choose among an image model's entries.
 * Amounts are summed in 1e-15 USD in 128 bits and rounded once, half up, to
 * nano-dollars.  LLM_DECLINED: a unit that was used has no price.  LLM_LIMIT:
 * more than an int64_t of nano-dollars.
 *
 * Prices above a number of tokens hold for the whole request once all its
 * input tokens exceed that number.  Within one entry a price that is absent
 * is the price of what the unit is a part of: reasoning of output, cache
 * reads, cache writes, audio and image input of input, audio and image output
 * of output, writes for an hour of short ones.  Pictures, sound and video are
 * billed on one basis each, tokens before pieces, never on two; where an
 * entry asks nothing for tokens and the pieces have a price, tokens told
 * beside them are in it.  "requests" without a price add nothing.
 */
typedef struct {
    llm_str_t        tier;
    llm_str_t        size;
    llm_str_t        quality;
} llm_price_how_t;

int llm_price_cost(const llm_price_t *price, const llm_usage_t *usage,
    const llm_price_how_t *how, int64_t *nano);

/*
 * Parses decimal text ("2.50", "1e-06"), a JSON number without sign, times
 * 10^exp10 into integer units of 1e-15 USD, rounding half up; LLM_INVALID,
 * LLM_LIMIT if out of range.
 */
int llm_price_parse(const llm_str_t *text, int exp10, int64_t *femto);

/* appends nano-dollars as a decimal: 1234567890 -> "1.23456789", 0 -> "0" */
void llm_price_print(int64_t nano, llm_buf_t *out);


#endif /* _LLM_PRICE_H_INCLUDED_ */
