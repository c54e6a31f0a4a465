"""What the tests of the whole daemon are made of: the daemon itself, scripted browsers and trunks, SIP, SDP and RTP.

Only the standard library. Nothing here waits by sleeping: every wait has an end it looks for and a limit it fails at.
"""
