
#include "tool.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


uint64_t
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


void
samples_add(samples_t *s, uint64_t ns)
{
    if (s->n == s->size) {
        s->size = s->size ? s->size * 2 : 65536;
        s->v = realloc(s->v, s->size * sizeof(uint32_t));

        if (s->v == NULL) {
            perror("samples");
            exit(1);
        }
    }

    s->v[s->n++] = ns / 1000;
}


static int
samples_compare(const void *a, const void *b)
{
    uint32_t  x, y;

    x = *(const uint32_t *) a;
    y = *(const uint32_t *) b;

    return (x > y) - (x < y);
}


unsigned
samples_at(samples_t *s, unsigned percent)
{
    if (s->n == 0) {
        return 0;
    }

    qsort(s->v, s->n, sizeof(uint32_t), samples_compare);

    return s->v[(s->n - 1) * percent / 100];
}


int
dial(int port)
{
    int                 fd, on;
    struct sockaddr_in  sin;

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_port = htons(port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd == -1) {
        return -1;
    }

    if (connect(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1) {
        close(fd);
        return -1;
    }

    on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

    return fd;
}
