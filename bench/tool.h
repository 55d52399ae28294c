
/* the clock, samples of it and sockets: what programs here have in common */


#ifndef _BENCH_TOOL_H_INCLUDED_
#define _BENCH_TOOL_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


typedef struct {
    uint32_t   *v;               /* microseconds */
    size_t      n;
    size_t      size;
} samples_t;


/* a monotonic clock, ns */
uint64_t now(void);

/* without memory the program ends */
void samples_add(samples_t *s, uint64_t ns);
/* 0 if there are none; sorts them */
unsigned samples_at(samples_t *s, unsigned percent);

/* a connection to loopback, which is there at once; -1 and errno */
int dial(int port);


#endif /* _BENCH_TOOL_H_INCLUDED_ */
