
/*
 * What a protocol tells about its answers, shared by llm_answer.c and the
 * protocols' own files only.  A protocol knows no other protocol.
 */


#ifndef _LLM_PROTOCOL_H_INCLUDED_
#define _LLM_PROTOCOL_H_INCLUDED_


#include "llm_answer.h"
#include "llm_eventstream.h"
#include "llm_scan.h"
#include "llm_sse.h"


#define LLM_ANSWER_MAX_WORD    128      /* model, tier, status */
#define LLM_ANSWER_MAX_ERROR   512
#define LLM_ANSWER_MAX_TRIES   4        /* to read an error's message */
#define LLM_ANSWER_MAX_RAW     8192     /* raw usage that is told */
#define LLM_ANSWER_MAX_USAGE   65536    /* raw usage that is read */


/*
 * One reader is one form of answers: where to look, what it means.  All
 * tables of picks begin with LLM_PROTOCOL_PICKS.
 */

typedef struct {
    llm_picks_t         *picks;

    uint8_t              nids;
    uint8_t              ids[LLM_ANSWER_MAX_IDS];    /* picks with ids */

    /*
     * The text of an event or of the whole answer was scanned and is valid:
     * keeps what it says, returns its LLM_EVENT_* bits.
     */
    unsigned           (*absorb)(llm_answer_t *a);

    /* reads what was kept; units that nobody told stay unknown */
    void               (*usage)(llm_answer_t *a, llm_usage_t *u);
} llm_reader_t;


typedef struct {
    llm_protocol_e       protocol;
    const llm_reader_t *(*reader)(const llm_op_t *op, llm_answer_e kind);
} llm_protocol_t;


extern const llm_protocol_t  llm_protocol_openai;
extern const llm_protocol_t  llm_protocol_anthropic;
extern const llm_protocol_t  llm_protocol_gemini;
extern const llm_protocol_t  llm_protocol_bedrock;


/* an error may be wrapped into an array, whatever the protocol */

#define LLM_PROTOCOL_PICKS                                                    \
    { "error",   LLM_PICK_ROOT,      LLM_PICK_RAW, 4096 },                    \
    { "message", LLM_PICK_ERROR,     LLM_PICK_RAW, 4096 },                    \
    { NULL,      LLM_PICK_ROOT,      0, 0 },                                  \
    { "error",   LLM_PICK_ELEMENT,   LLM_PICK_RAW|LLM_PICK_FIRST, 4096 },     \
    { "message", LLM_PICK_ERROR_0,   LLM_PICK_RAW|LLM_PICK_FIRST, 4096 }

enum {
    LLM_PICK_ERROR = 0,
    LLM_PICK_ERROR_MESSAGE,
    LLM_PICK_ELEMENT,
    LLM_PICK_ERROR_0,
    LLM_PICK_ERROR_0_MESSAGE,
    LLM_PICK_OWN                /* the reader's own begin here */
};


typedef struct {
    size_t               len;
    unsigned char        data[LLM_ANSWER_MAX_WORD];
} llm_word_t;


struct llm_answer_s {
    llm_arena_t         *arena;
    const llm_op_t      *op;
    const llm_reader_t  *reader;
    llm_scan_t          *scan;
    llm_answer_e         kind;

    /* the event at hand */

    llm_str_t            name;          /* of SSE, or empty */
    unsigned             event;         /* LLM_EVENT_* */
    unsigned             nids;

    /* all of them */

    unsigned             seen;
    uint64_t             text;
    int64_t              items;
    int64_t              searches;
    int64_t              milli;         /* seconds of audio or video, or -1 */
    int64_t              sequence;
    size_t               error_len;
    unsigned             error_tries;

    llm_buf_t            usage;         /* the provider's own object */
    llm_buf_t            spare;         /* for the next one while merging */
    int64_t              usage_total;   /* of a protocol that needs it */
    unsigned             usage_told;    /* how often it changed */
    llm_usage_t          units;         /* as read, if "read" */

    /* scanners for parts, made when first needed */

    llm_scan_t          *usage_scan;
    llm_scan_t          *detail_scan;
    llm_scan_t          *member_scan;
    llm_scan_t          *merge_scan;

    /* an AWS message, and the event that is in it as base64 */

    llm_buf_t            payload;
    llm_buf_t            decoded;
    llm_scan_t          *payload_scan;

    size_t               pos;           /* bytes of the event before the
                                           piece at hand */
    size_t               base;          /* of the scanned text's first byte */
    int                  rc;            /* of the scanner, in this event */
    uint8_t              mark;          /* bytes of "[DONE]" that matched */

    unsigned             begun:1;       /* the event has data */
    unsigned             scanning:1;    /* and they go to the scanner */
    unsigned             finished:1;    /* EOF is a good end now */
    unsigned             role:1;        /* a chunk with a choice came */
    unsigned             broken:1;      /* an event made no sense, */
    unsigned             lost:1;        /* or the array's frame */
    unsigned             read:1;

    /* what is above is zeroed when a reader is made, nothing of the rest */

    /* framing */

    union {
        llm_sse_t        sse;
        llm_array_t      array;
        llm_eventstream_t  aws;
    } frame;

    llm_answer_id_t      ids[LLM_ANSWER_MAX_IDS];
    llm_word_t           model;
    llm_word_t           tier;
    llm_word_t           status;
    unsigned char        error[LLM_ANSWER_MAX_ERROR];
};


#define llm_answer_found(a, pick)  llm_scan_found((a)->scan, pick)

/*
 * The type of an event: the string that was found, or the event's name where
 * a provider leaves it to that.
 */
llm_str_t llm_answer_type(const llm_answer_t *a, unsigned pick);

/* a count, or -1 if there is none that can be trusted; of a raw text */
int64_t llm_raw_int(const llm_str_t *raw);
int64_t llm_found_int(const llm_found_t *f);

/* seconds in thousandths, of a number or of a string with one; or -1 */
int64_t llm_raw_milli(const llm_str_t *raw);
int64_t llm_found_milli(const llm_found_t *f);

/* keeps a short string; one with escapes is not kept */
void llm_word_set(llm_word_t *w, const llm_found_t *f);

/*
 * Whether an error is told: an object or a string at pick, whose message is
 * at message.  The first message is kept.
 */
int llm_answer_note_error(llm_answer_t *a, unsigned pick, unsigned message);

/* the same for the two places that all readers share */
int llm_answer_has_error(llm_answer_t *a);

/* keeps a raw string as the error's message, if it is the first */
void llm_answer_keep_error(llm_answer_t *a, const llm_str_t *raw);

/* keeps an object as the provider's usage, in place of an earlier one */
int llm_answer_keep_usage(llm_answer_t *a, const llm_found_t *f);

/*
 * llm_answer_feed() and llm_answer_end() of AWS event streams
 * (llm_answer_aws.c).
 */
int llm_answer_aws_feed(llm_answer_t *a, const unsigned char *data,
    size_t len, size_t *used);
int llm_answer_aws_end(llm_answer_t *a);

/*
 * Scans a text that was kept; *scan is made if it is NULL.  LLM_OK, or why
 * there is nothing to be found.
 */
int llm_answer_rescan(llm_answer_t *a, llm_scan_t **scan,
    llm_picks_t *picks, unsigned flags, const llm_str_t *text);

/* takes up to n from *left, as the unit; nothing is told of 0 */
void llm_usage_take(llm_usage_t *u, llm_usage_e unit, int64_t n,
    int64_t *left);


#endif /* _LLM_PROTOCOL_H_INCLUDED_ */
