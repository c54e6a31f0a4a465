/* A second UDP socket on a port that another of this process holds already, and a program in the kernel that gives
 * each packet to one of the two by its first byte (RFC 7983): DTLS, RTP and RTCP to the second, the rest to the first. */
#pragma once

/* `first` is bound and nobody's third: groups of more than two would change places when one leaves. Returns our descriptor, to be
 * closed before `first` is, and never to be connected; or -errno, and `first` goes on receiving everything. */
int media_reuseport_join(int first);
