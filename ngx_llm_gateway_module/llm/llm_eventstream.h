
/*
 * Framing of AWS event streams (application/vnd.amazon.eventstream): binary
 * messages with a type each, two checksums, and JSON in them.  As with
 * llm_sse.h, nothing is stored but short names, so that a message may arrive
 * in any pieces.
 */


#ifndef _LLM_EVENTSTREAM_H_INCLUDED_
#define _LLM_EVENTSTREAM_H_INCLUDED_


#include "llm_base.h"
#include "llm_sse.h"


/* what AWS itself allows; longer ones are LLM_LIMIT */

#define LLM_EVENTSTREAM_MAX_HEADERS  (128 * 1024)
#define LLM_EVENTSTREAM_MAX_PAYLOAD  (24 * 1024 * 1024)

#define LLM_EVENTSTREAM_MAX_NAME     64     /* longer values are cut */
#define LLM_EVENTSTREAM_MAX_TEXT     256


typedef struct {
    uint8_t          state;
    uint8_t          header;      /* which one's value is read */
    uint8_t          type;        /* of that value */
    uint8_t          key_len;
    uint8_t          name_len;
    uint8_t          have;        /* bytes of a fixed part that are there */
    uint8_t          fixed[12];
    uint8_t          key[16];     /* a header's name, as far as it counts */
    uint8_t          name[LLM_EVENTSTREAM_MAX_NAME];
    uint8_t          text[LLM_EVENTSTREAM_MAX_TEXT];
    uint16_t         text_len;
    uint32_t         left;        /* bytes of the part at hand */
    uint32_t         headers;     /* bytes of headers that are left */
    uint32_t         payload;     /* bytes of the payload that are left */
    uint32_t         crc;         /* of the message so far */
    unsigned         exception:1; /* the message tells an error */
    unsigned         named:1;     /* its name is the error's */
} llm_eventstream_t;


void llm_eventstream_init(llm_eventstream_t *s);

/*
 * Takes bytes of an event stream; *used tells how many.
 *
 *   LLM_SSE_DATA   *piece is a part of the message's payload, a slice of data
 *   LLM_SSE_EVENT  *used is behind the message, whose checksums are right:
 *                  its payload counts only now.  s->exception,
 *                  llm_eventstream_name() and _text() describe it until the
 *                  next call
 *   LLM_AGAIN      all bytes were taken
 *   LLM_INVALID    a checksum or a length is wrong at *used, LLM_LIMIT: the
 *                  message is too long.  Both are final: where the next
 *                  message begins is not known any more
 */
int llm_eventstream_next(llm_eventstream_t *s, const unsigned char *data,
    size_t len, size_t *used, llm_str_t *piece);

/*
 * ":event-type"; of an exception ":exception-type" ("throttlingException"),
 * of an error ":error-code"; or empty.
 */
llm_str_t llm_eventstream_name(const llm_eventstream_t *s);

/* ":error-message" of an error, which has no payload; or empty */
llm_str_t llm_eventstream_text(const llm_eventstream_t *s);

/* whether the bytes so far end with a whole message */
int llm_eventstream_complete(const llm_eventstream_t *s);


#endif /* _LLM_EVENTSTREAM_H_INCLUDED_ */
