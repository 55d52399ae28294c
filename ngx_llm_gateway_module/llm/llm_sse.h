
/*
 * Framing of streams: where an event begins, what its data is, where it ends.
 * Nothing is stored but a short event name, so that a data line may be of any
 * size and arrive in any pieces.
 */


#ifndef _LLM_SSE_H_INCLUDED_
#define _LLM_SSE_H_INCLUDED_


#include "llm_base.h"


/* what llm_sse_next() and llm_array_next() tell; never an error code */

#define LLM_SSE_DATA      1    /* a piece of the event's data */
#define LLM_SSE_EVENT     2    /* the event is over */


#define LLM_SSE_MAX_NAME  64   /* longer event names are cut */


typedef struct {
    uint8_t          state;
    uint8_t          bom;         /* bytes of a byte order mark seen */
    uint8_t          name_len;
    uint8_t          field_len;
    uint8_t          field[6];    /* a name of a field that is cut by a piece */
    uint8_t          name[LLM_SSE_MAX_NAME];
    uint32_t         lines;       /* lines of data in this event */
    unsigned         lf:1;        /* a CR was taken: a LF belongs to it */
    unsigned         join:1;      /* a LF is due before the next data */
    unsigned         bare:1;      /* JSON lines that have no "data:" */
    unsigned         over:1;      /* the next byte opens a new event */
} llm_sse_t;


void llm_sse_init(llm_sse_t *s);

/*
 * Takes bytes of an event stream; *used tells how many.  Lines end with LF,
 * CRLF or CR.
 *
 *   LLM_SSE_DATA   *piece is a part of the event's data: a slice of data, or
 *                  the LF that joins two data lines
 *   LLM_SSE_EVENT  *used is behind the blank line; s->lines, s->bare and
 *                  llm_sse_name() describe the event until the next call
 *   LLM_AGAIN      all bytes were taken
 *
 * A CRLF is never cut, but where a piece ends between its two bytes: then the
 * event is over with the CR, and the LF opens the next one.
 *
 * A line that begins with { or [ where no data was seen is data as well, with
 * all lines up to the blank one, and sets s->bare: some providers fall out of
 * the format when they fail.
 */
int llm_sse_next(llm_sse_t *s, const unsigned char *data, size_t len,
    size_t *used, llm_str_t *piece);

/* the "event" field, or empty */
llm_str_t llm_sse_name(const llm_sse_t *s);


/* a JSON array whose elements are the events */

typedef struct {
    uint8_t          state;
    uint32_t         depth;       /* open brackets inside of the element */
    unsigned         escape:1;    /* the next byte of the string is escaped */
    unsigned         single:1;    /* the text is one value and no array */
} llm_array_t;


void llm_array_init(llm_array_t *s);

/*
 * The same for the elements of an array: LLM_SSE_EVENT is told behind an
 * element's last byte, and the comma and white space belong to the next
 * event.  Only the frame is checked here; elements are whatever their scanner
 * makes of them.  LLM_INVALID: the frame is broken at *used.
 *
 * A number or a literal ends where the byte behind it is seen.
 */
int llm_array_next(llm_array_t *s, const unsigned char *data, size_t len,
    size_t *used, llm_str_t *piece);

/* whether the array was closed */
int llm_array_complete(const llm_array_t *s);


#endif /* _LLM_SSE_H_INCLUDED_ */
