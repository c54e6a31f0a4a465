"""Many calls at a time through one daemon, each with a hand on both ends: what the race matrix is made with.

wire     the trunk's UDP socket, the browsers' WebSockets, the bad line
agent    transactions as a real user agent has them; all that was on the wire
rtc      ICE and DTLS of a browser
call     a call and its two ends, which behave by themselves until a scenario says otherwise
rules    what holds for every call, whatever crossed in it
runner   rows, their runs, what came of them
"""
