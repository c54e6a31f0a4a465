/* The jitter buffer on simulated networks. Time is the simulation's: the same each run. */
#include "rtp/jitter.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS	 INT64_C(1000)
#define WAY_US	 (30 * MS) /* the fastest packet takes so long */
#define FLYING	 4096
#define NOT_SENT INT64_MIN
#define LOST	 (-1)
#define START_US (1000 * 1000 * MS)

struct network;
/* How much longer than WAY_US packet i is under way, LOST, or NOT_SENT (the sender is silent). */
typedef int64_t way_function(struct network *network, uint64_t i);

struct network {
	way_function *way;
	uint32_t clock_hz, ptime_ms, frame_ms;
	int drift_ppm; /* of the sender's clock: positive is fast */
	bool is_quiet, is_doubled, marks;
	uint16_t first_sequence;
	uint32_t first_timestamp, ssrc;
	int64_t phase_us; /* of the consumer's ticks */

	uint64_t seed, n_sent, i;
	uint16_t sequence;
	bool was_silent;
	struct flying {
		int64_t arrival_us;
		uint8_t bytes[RTP_HEADER_BYTES + 8];
	} flying[FLYING];
	size_t n_flying;

	/* what came out */
	struct rtp_jitter *jitter;
	struct rtp_jitter_figures figures;
	int64_t now_us, held; /* held: in samples of clock_hz */
	uint64_t packets, surplus, lost, recovered, silences, stretched;
	int64_t last_index;
	int64_t delay_us_min, delay_us_max, delay_us_sum; /* from fastest arrival to the ear */
	uint64_t n_disordered;
};

static uint32_t random_below(struct network *network, uint32_t limit)
{
	network->seed = network->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((network->seed >> 33) % limit);
}

static int64_t sent_us(const struct network *network, uint64_t i)
{
	int64_t ideal_us = (int64_t)(i * network->ptime_ms) * MS;

	return START_US + ideal_us - ideal_us / 1000 * network->drift_ppm / 1000;
}

static void fly(struct network *network, int64_t arrival_us, const struct rtp_packet *packet)
{
	size_t at = network->n_flying, length;

	assert_true(network->n_flying < FLYING);
	for (; at > 0 && network->flying[at - 1].arrival_us > arrival_us; at--)
		network->flying[at] = network->flying[at - 1];
	network->flying[at].arrival_us = arrival_us;
	assert_int_equal(rtp_packet_build(packet, network->flying[at].bytes, sizeof network->flying[at].bytes, &length),
			 0);
	network->n_flying++;
}

static void send_one(struct network *network)
{
	uint64_t i = network->i++;
	int64_t way_us = network->way(network, i);
	uint8_t payload[8] = {0};
	struct rtp_packet packet = {
	    .payload_type = 96,
	    .ssrc = network->ssrc,
	    .sequence = network->sequence,
	    .timestamp = network->first_timestamp + (uint32_t)(i * network->ptime_ms * (network->clock_hz / 1000)),
	    .marker = network->marks && (i == 0 || network->was_silent),
	    .payload = payload,
	    .payload_bytes = sizeof payload,
	};

	network->was_silent = way_us == NOT_SENT;
	if (way_us == NOT_SENT)
		return;
	memcpy(payload, &i, sizeof i);
	network->sequence++;
	network->n_sent++;
	if (way_us == LOST)
		return;
	for (int n = 0; n <= network->is_doubled; n++)
		fly(network, sent_us(network, i) + WAY_US + way_us + n * MS, &packet);
}

static void arrive(struct network *network)
{
	struct rtp_jitter_sound sound = {network->clock_hz, network->ptime_ms * (network->clock_hz / 1000)};
	size_t n = 0;

	while (sent_us(network, network->i) <= network->now_us)
		send_one(network);
	for (; n < network->n_flying && network->flying[n].arrival_us <= network->now_us; n++) {
		struct rtp_packet packet;

		assert_int_equal(rtp_packet_parse(network->flying[n].bytes, sizeof network->flying[n].bytes, &packet),
				 0);
		rtp_jitter_put(network->jitter, &packet, &sound, network->flying[n].arrival_us);
	}
	network->n_flying -= n;
	memmove(network->flying, network->flying + n, network->n_flying * sizeof *network->flying);
}

static void hear_packet(struct network *network, const struct rtp_jitter_frame *frame)
{
	uint64_t i;
	int64_t delay_us;

	memcpy(&i, frame->payload, sizeof i);
	network->n_disordered += (int64_t)i <= network->last_index;
	network->last_index = (int64_t)i;
	assert_int_equal(frame->timestamp,
			 network->first_timestamp + (uint32_t)(i * network->ptime_ms * (network->clock_hz / 1000)));
	assert_int_equal(frame->duration, network->ptime_ms * (network->clock_hz / 1000));
	delay_us = network->now_us + network->held * 1000 * MS / network->clock_hz - sent_us(network, i) - WAY_US;
	network->delay_us_min = MIN(network->delay_us_min, delay_us);
	network->delay_us_max = MAX(network->delay_us_max, delay_us);
	network->delay_us_sum += delay_us;
	network->packets++;
}

static void hear_loss(struct network *network, const struct rtp_jitter_frame *frame)
{
	network->lost++;
	assert_true(frame->duration > 0 && frame->duration <= 2 * network->ptime_ms * (network->clock_hz / 1000));
	if (frame->payload) {
		uint64_t i;

		memcpy(&i, frame->payload, sizeof i);
		assert_true((int64_t)i > network->last_index + 1);
		network->recovered++;
	}
}

static void play_frame(struct network *network)
{
	int64_t frame_units = (int64_t)(network->frame_ms * (network->clock_hz / 1000));
	struct rtp_jitter_frame frame;

	while (network->held < frame_units) {
		enum rtp_jitter_verdict verdict =
		    rtp_jitter_get(network->jitter, network->now_us, network->is_quiet, &frame);

		if (verdict == RTP_JITTER_PACKET)
			hear_packet(network, &frame);
		else if (verdict == RTP_JITTER_LOST)
			hear_loss(network, &frame);
		if (verdict == RTP_JITTER_SURPLUS)
			network->surplus++;
		else if (verdict == RTP_JITTER_SILENCE)
			network->held = frame_units, network->silences++;
		else
			network->held += frame.duration;
	}
	network->held -= frame_units;
}

static void forget_heard(struct network *network)
{
	network->packets = network->surplus = network->lost = network->recovered = network->silences = 0;
	network->delay_us_min = INT64_MAX;
	network->delay_us_max = network->delay_us_sum = 0;
}

static void begin(struct network *network, way_function *way)
{
	static const struct rtp_jitter_settings settings = {0};

	network->way = way;
	network->clock_hz = network->clock_hz ? network->clock_hz : 8000;
	network->ptime_ms = network->ptime_ms ? network->ptime_ms : 20;
	network->frame_ms = network->frame_ms ? network->frame_ms : 20;
	network->ssrc = 1;
	network->sequence = network->first_sequence;
	network->now_us = START_US + (network->phase_us ? network->phase_us : 7 * MS);
	network->last_index = -1;
	network->jitter = rtp_jitter_new(&settings);
	assert_non_null(network->jitter);
	forget_heard(network);
}

static void run(struct network *network, int64_t seconds)
{
	int64_t end_us = network->now_us + seconds * 1000 * MS;

	for (; network->now_us < end_us; network->now_us += network->frame_ms * MS) {
		arrive(network);
		play_frame(network);
	}
	rtp_jitter_get_figures(network->jitter, &network->figures);
}

static void end(struct network *network)
{
	network->jitter = rtp_jitter_free(network->jitter);
	assert_int_equal(network->n_disordered, 0);
}

/* --- steady --- */

static int64_t way_steady(struct network *network, uint64_t i)
{
	return 0;
}

static void test_a_steady_stream_is_played_whole_and_waits_for_no_more_than_a_frame(void **state)
{
	static const uint32_t times_ms[] = {10, 20, 30, 40, 60};

	for (size_t p = 0; p < G_N_ELEMENTS(times_ms); p++)
		for (size_t f = 0; f < G_N_ELEMENTS(times_ms); f++)
			for (int64_t phase_us = 300; phase_us < 60 * MS; phase_us += 7100) {
				struct network network = {.ptime_ms = times_ms[p],
							  .frame_ms = times_ms[f],
							  .phase_us = phase_us,
							  .is_quiet = true};
				/* a consumer of longer frames starts with a frame that is not filled yet */
				uint64_t concealed_max = 1 + times_ms[f] / times_ms[p];
				int64_t most_us = (times_ms[f] + times_ms[p]) * MS + 2 * MS;

				begin(&network, way_steady);
				run(&network, 5);
				assert_true(network.lost <= concealed_max);
				forget_heard(&network);
				run(&network, 60);
				assert_int_equal(network.lost + network.surplus + network.silences, 0);
				assert_true(network.delay_us_max <= most_us);
				assert_int_equal(
				    network.figures.lost + network.figures.late + network.figures.discarded, 0);
				end(&network);
			}
}

static void test_sequence_and_timestamp_go_round(void **state)
{
	struct network network = {.first_sequence = 65500, .first_timestamp = UINT32_MAX - 3000, .clock_hz = 48000};

	begin(&network, way_steady);
	run(&network, 120 * 60 / 4); /* and the sequence once more */
	assert_int_equal(network.lost + network.surplus, 0);
	assert_int_equal(network.figures.epochs, 1);
	assert_int_equal(network.figures.lost + network.figures.late, 0);
	end(&network);
}

/* --- jitter --- */

static int64_t way_uniform_60(struct network *network, uint64_t i)
{
	return random_below(network, 60) * MS + random_below(network, 1000);
}

static void test_the_delay_grows_with_jitter_and_hardly_a_packet_is_late(void **state)
{
	struct network network = {.seed = 1};

	begin(&network, way_uniform_60);
	run(&network, 10);
	forget_heard(&network);
	run(&network, 100);
	assert_in_range(network.packets, 4950, 5000);
	assert_true(network.lost <= 50);
	assert_in_range(network.figures.target_ms, 54, 64);
	assert_true(network.delay_us_sum / (int64_t)network.packets < 85 * MS);
	assert_true(network.figures.delay_ms_max < 125);
	/* none of it is longer than needed when the jitter ends, in talk as in silence */
	network.way = way_steady;
	run(&network, 15);
	forget_heard(&network);
	run(&network, 5);
	assert_true(network.delay_us_max <= (20 + RTP_JITTER_LOUD_MS + 2 + 20) * MS);
	network.is_quiet = true;
	run(&network, 5);
	forget_heard(&network);
	run(&network, 5);
	assert_true(network.delay_us_max <= 32 * MS);
	assert_int_equal(network.lost, 0);
	end(&network);
}

static int64_t way_spikes(struct network *network, uint64_t i)
{
	return i % 500 == 499 ? 90 * MS : 0; /* one in 500: not worth waiting for all the time */
}

static void test_rare_spikes_cost_a_concealment_each_and_no_lasting_delay(void **state)
{
	struct network network = {.is_quiet = true};

	begin(&network, way_spikes);
	run(&network, 10);
	forget_heard(&network);
	run(&network, 100);
	assert_in_range(network.lost, 1, 60);
	assert_true(network.delay_us_sum / (int64_t)network.packets < 40 * MS);
	end(&network);
}

/* --- loss --- */

static int64_t way_five_percent_lost(struct network *network, uint64_t i)
{
	return random_below(network, 100) < 5 ? LOST : 0;
}

static void test_each_lost_packet_is_concealed_once_with_the_next_at_hand_where_it_has_come(void **state)
{
	struct network network = {.seed = 3, .phase_us = 1 * MS};
	uint64_t n_lost;

	begin(&network, way_five_percent_lost);
	run(&network, 2);
	forget_heard(&network);
	n_lost = network.figures.lost;
	run(&network, 200);
	n_lost = network.figures.lost - n_lost;
	assert_in_range(n_lost, 400, 600);
	assert_in_range(network.lost, n_lost - 2, n_lost + 2);
	assert_int_equal(network.figures.late + network.figures.discarded + network.figures.duplicates, 0);
	assert_in_range(network.packets, 10000 - n_lost - 2, 10000 - n_lost + 2);
	end(&network);
}

static int64_t way_lossy_and_uniform(struct network *network, uint64_t i)
{
	return random_below(network, 100) < 5 ? LOST : random_below(network, 50) * MS;
}

static void test_what_waits_behind_a_loss_is_offered_for_recovery(void **state)
{
	struct network network = {.seed = 4};

	begin(&network, way_lossy_and_uniform);
	run(&network, 10);
	forget_heard(&network);
	run(&network, 100);
	assert_in_range(network.lost, 200, 350);
	assert_true(network.recovered * 10 >= network.lost * 7);
	end(&network);
}

static int64_t way_bursts_lost(struct network *network, uint64_t i)
{
	return i % 250 >= 240 ? LOST : 0;
}

static void test_a_long_loss_is_concealed_for_a_while_and_then_silence(void **state)
{
	struct network network = {0};

	begin(&network, way_bursts_lost);
	run(&network, 100);
	assert_int_equal(network.lost, 20 * RTP_JITTER_CONCEAL_MS / 20);
	assert_in_range(network.silences, 80, 130);
	assert_in_range(network.figures.lost, 190, 200);
	assert_true(network.delay_us_max <= 24 * MS);
	end(&network);
}

static int64_t way_reordered(struct network *network, uint64_t i)
{
	return i % 4 == 1 ? 25 * MS : 0;
}

static void test_reordering_is_put_right_and_doubles_are_dropped(void **state)
{
	struct network network = {.is_doubled = true};

	begin(&network, way_reordered);
	run(&network, 2);
	forget_heard(&network);
	network.is_quiet = true;
	run(&network, 100);
	assert_true(network.lost <= 2);
	assert_int_equal(network.figures.late, 0);
	assert_in_range(network.figures.duplicates, 5080, 5120);
	end(&network);
}

static int64_t stall_from, stall_packets;

/* All that is sent in the stall comes at its end. */
static int64_t way_stall(struct network *network, uint64_t i)
{
	int64_t left = stall_from + stall_packets - (int64_t)i;

	return (int64_t)i >= stall_from && left > 0 ? left * network->ptime_ms * MS : 0;
}

static void test_after_a_stall_no_more_waits_than_may(void **state)
{
	static const int64_t stalls[] = {5, 15, 40, 100, 200};

	for (size_t n = 0; n < G_N_ELEMENTS(stalls); n++) {
		struct network network = {.is_quiet = true};

		stall_from = 500;
		stall_packets = stalls[n];
		begin(&network, way_stall);
		run(&network, 10);
		forget_heard(&network);
		run(&network, 12);
		assert_true(network.delay_us_max <= MAX(stalls[n], 10) * 20 * MS + 22 * MS);
		forget_heard(&network);
		run(&network, 5);
		assert_true(network.delay_us_max <= 32 * MS);
		assert_int_equal(network.lost, 0);
		end(&network);
	}
}

static uint32_t step_ms;

static int64_t way_step(struct network *network, uint64_t i)
{
	return (i < 500 ? 0 : step_ms * MS) + random_below(network, 25000);
}

static void test_a_longer_way_costs_one_gap_and_is_then_no_delay_of_ours(void **state)
{
	static const uint32_t steps_ms[] = {150, 400, 900};

	for (size_t n = 0; n < G_N_ELEMENTS(steps_ms); n++) {
		struct network network = {.is_quiet = true};

		step_ms = steps_ms[n];
		begin(&network, way_step);
		run(&network, 10);
		forget_heard(&network);
		run(&network, 4);
		assert_in_range(network.lost, 5, 12);
		assert_int_equal(network.figures.discarded + network.surplus, 0);
		assert_true(network.delay_us_max <= (step_ms + 65) * MS);
		run(&network, 30);
		assert_true(network.figures.delay_ms <= 65);
		end(&network);
	}
}

/* --- drift --- */

static int64_t way_jitter_5(struct network *network, uint64_t i)
{
	return random_below(network, 5000);
}

static void check_drift(int ppm, bool is_quiet, int64_t most_us)
{
	struct network network = {.drift_ppm = ppm, .is_quiet = is_quiet, .seed = 9};
	uint64_t frames_off = 2 * 3600 * (uint64_t)abs(ppm) / 20000;

	begin(&network, way_jitter_5);
	run(&network, 10);
	forget_heard(&network);
	run(&network, 2 * 3600);
	assert_true(network.delay_us_max <= most_us);
	assert_true(network.delay_us_min >= 0);
	assert_int_equal(network.silences, 0);
	assert_int_equal(network.figures.epochs, 1);
	assert_int_equal(network.figures.late + network.figures.discarded + network.figures.lost, 0);
	if (ppm > 0)
		assert_in_range(network.surplus, frames_off - 3, frames_off + 40);
	else
		assert_in_range(network.lost, frames_off - 3, frames_off + 40);
	end(&network);
}

/* Before a packet is late a frame more is played where nobody hears it. */
static void test_in_silence_the_delay_grows_ahead_of_the_lateness(void **state)
{
	struct network quiet = {.drift_ppm = -500, .is_quiet = true, .seed = 9}, loud = {.drift_ppm = -500, .seed = 9};

	begin(&quiet, way_uniform_60);
	run(&quiet, 3600);
	begin(&loud, way_uniform_60);
	run(&loud, 3600);
	assert_true(quiet.figures.adjustments > 10);
	assert_true(quiet.figures.concealed < loud.figures.concealed);
	end(&quiet);
	end(&loud);
}

static void test_drift_of_hours_does_not_grow_the_delay(void **state)
{
	check_drift(500, true, 40 * MS);
	check_drift(500, false, (20 + RTP_JITTER_LOUD_MS + 20) * MS);
	check_drift(-500, true, 45 * MS);
	check_drift(-500, false, 45 * MS);
	check_drift(50, false, (20 + RTP_JITTER_LOUD_MS + 20) * MS);
	check_drift(-50, false, 45 * MS);
}

/* --- silence --- */

/* Talk for two seconds, silent for three. */
static int64_t way_talk(struct network *network, uint64_t i)
{
	return i % 250 < 100 ? random_below(network, 10000) : NOT_SENT;
}

static void test_silence_is_no_loss_and_each_spurt_starts_with_the_right_delay(void **state)
{
	static const int drifts[] = {0, 500, -500};

	for (size_t n = 0; n < G_N_ELEMENTS(drifts); n++) {
		struct network network = {.drift_ppm = drifts[n], .marks = true};

		begin(&network, way_talk);
		run(&network, 5);
		forget_heard(&network);
		run(&network, 3600);
		assert_int_equal(network.figures.lost + network.figures.late + network.figures.discarded, 0);
		assert_int_equal(network.surplus, 0);
		assert_true(network.delay_us_max <= 50 * MS);
		/* what was concealed at the end of each spurt was the far end's silence */
		assert_true(network.figures.concealed < network.packets / 100);
		assert_in_range(network.packets, 71900, 72100);
		end(&network);
	}
}

/* --- anything --- */

static uint32_t any_jitter_ms, any_loss_percent, any_silence_percent;

static int64_t way_any(struct network *network, uint64_t i)
{
	/* of each 64 packets the last ones are not sent, if the sender is ever silent */
	if (i % 64 >= 64 - 64 * any_silence_percent / 100)
		return NOT_SENT;
	if (random_below(network, 100) < any_loss_percent)
		return LOST;
	return random_below(network, any_jitter_ms * 1000 + 1);
}

static void test_any_network_leaves_order_and_bounds_and_each_packet_is_counted(void **state)
{
	static const uint32_t times_ms[] = {10, 20, 30, 40, 60};
	struct network dice = {.seed = 77};

	for (int round = 0; round < 300; round++) {
		struct network network = {
		    .seed = (uint64_t)round,
		    .ptime_ms = times_ms[random_below(&dice, 5)],
		    .frame_ms = times_ms[random_below(&dice, 5)],
		    .phase_us = 1 + random_below(&dice, 60000),
		    .drift_ppm = (int)random_below(&dice, 1001) - 500,
		    .is_quiet = random_below(&dice, 2),
		    .is_doubled = random_below(&dice, 4) == 0,
		    .marks = random_below(&dice, 2),
		    .first_sequence = (uint16_t)random_below(&dice, 65536),
		    .clock_hz = random_below(&dice, 2) ? 8000 : 48000,
		};
		const struct rtp_jitter_figures *figures = &network.figures;
		int64_t most_ms = 200 + network.ptime_ms + network.frame_ms;
		uint64_t ended;

		any_jitter_ms = random_below(&dice, 4) * random_below(&dice, 60);
		any_loss_percent = random_below(&dice, 2) * random_below(&dice, 20);
		any_silence_percent = random_below(&dice, 3) == 0 ? random_below(&dice, 90) : 0;
		begin(&network, way_any);
		run(&network, 60);
		assert_true(network.delay_us_max <= most_ms * MS);
		assert_true(figures->target_ms <= any_jitter_ms + 4);
		ended = figures->played + figures->late + figures->duplicates + figures->discarded;
		assert_in_range(figures->received - ended, 0, 64);
		assert_int_equal(figures->played, network.packets + network.surplus);
		/* what was sent was played, or lost, or dropped, or is still on its way */
		ended = figures->played + figures->lost + figures->discarded;
		assert_in_range(network.n_sent, ended, ended + 64);
		assert_int_equal(figures->epochs, 1);
		end(&network);
	}
}

/* --- single packets --- */

static struct rtp_jitter *single;
static struct rtp_jitter_frame single_frame;

static int set_up(void **state)
{
	static const struct rtp_jitter_settings settings = {.packets_max = 8, .payload_max = 100};

	single = rtp_jitter_new(&settings);
	return single ? 0 : -1;
}

static int tear_down(void **state)
{
	single = rtp_jitter_free(single);
	return 0;
}

struct one {
	uint32_t ssrc, timestamp;
	uint16_t sequence;
	uint8_t payload_type, octet;
	uint32_t clock_hz, duration;
};

static int put_one(struct one one, int64_t at_ms)
{
	struct rtp_packet packet = {.ssrc = one.ssrc,
				    .sequence = one.sequence,
				    .timestamp = one.timestamp,
				    .payload_type = one.payload_type,
				    .payload = &one.octet,
				    .payload_bytes = 1};
	struct rtp_jitter_sound sound = {one.clock_hz ? one.clock_hz : 8000, one.duration};

	return rtp_jitter_put(single, &packet, &sound, START_US + at_ms * MS);
}

static int put(uint32_t ssrc, uint16_t sequence, uint32_t timestamp, int64_t at_ms)
{
	return put_one((struct one){.ssrc = ssrc,
				    .sequence = sequence,
				    .timestamp = timestamp,
				    .octet = (uint8_t)sequence,
				    .duration = 160},
		       at_ms);
}

static enum rtp_jitter_verdict get(int64_t at_ms)
{
	return rtp_jitter_get(single, START_US + at_ms * MS, false, &single_frame);
}

static void assert_plays(uint8_t octet, int64_t at_ms)
{
	assert_int_equal(get(at_ms), RTP_JITTER_PACKET);
	assert_int_equal(single_frame.payload[0], octet);
}

static struct rtp_jitter_figures single_figures(void)
{
	struct rtp_jitter_figures figures;

	rtp_jitter_get_figures(single, &figures);
	return figures;
}

static void test_a_new_source_plays_after_what_waits_of_the_old_one(void **state)
{
	put(1, 10, 1600, 0);
	assert_plays(10, 15);
	put(1, 11, 1760, 20);
	put(2, 500, 90000, 22);
	put(2, 501, 90160, 23);
	assert_int_equal(put(1, 12, 1920, 24), -ETIME);
	assert_plays(11, 35);
	assert_plays((uint8_t)500, 55);
	assert_plays((uint8_t)501, 75);
	assert_int_equal(single_figures().lost, 0);
	assert_int_equal(single_figures().epochs, 2);
	assert_int_equal(put(1, 13, 2080, 2000), 0); /* after a while the old one may come back */
	assert_int_equal(get(2055), RTP_JITTER_PACKET);
	assert_int_equal(single_figures().epochs, 3);
}

static void test_a_jump_of_timestamps_begins_a_new_timeline(void **state)
{
	put(1, 10, 1600, 0);
	assert_plays(10, 15);
	put(1, 11, 1760, 20);
	put(1, 12, 3000000000u, 40);
	assert_plays(11, 35);
	assert_plays(12, 55);
	put(1, 13, 3000000160u, 60);
	put(1, 14, 5000, 80);
	assert_plays(13, 75);
	assert_plays(14, 95);
	assert_int_equal(single_figures().lost + single_figures().concealed + single_figures().discarded, 0);
	assert_int_equal(single_figures().epochs, 3);
}

static void test_a_jump_of_the_sequence_is_believed_when_the_next_confirms_it(void **state)
{
	put(1, 10, 1600, 0);
	assert_plays(10, 15);
	assert_int_equal(put(1, 40000, 1760, 20), -EAGAIN); /* a stray */
	put(1, 11, 1760, 21);
	assert_plays(11, 35);
	assert_int_equal(put(1, 30000, 1920, 40), -EAGAIN);
	assert_int_equal(put(1, 30001, 2080, 60), 0);
	assert_int_equal(get(75), RTP_JITTER_PACKET);
	assert_int_equal(single_figures().epochs, 2);
}

static void test_a_codec_changes_in_mid_call(void **state)
{
	put_one(
	    (struct one){
		.ssrc = 1, .sequence = 1, .timestamp = 960, .payload_type = 111, .clock_hz = 48000, .duration = 960},
	    0);
	assert_plays(0, 15);
	assert_int_equal(single_frame.payload_type, 111);
	assert_int_equal(single_frame.clock_hz, 48000);
	put_one(
	    (struct one){
		.ssrc = 1, .sequence = 2, .timestamp = 1920, .payload_type = 111, .clock_hz = 48000, .duration = 960},
	    20);
	put_one(
	    (struct one){
		.ssrc = 1, .sequence = 3, .timestamp = 777, .payload_type = 0, .clock_hz = 8000, .duration = 160},
	    40);
	assert_plays(0, 35);
	assert_plays(0, 55);
	assert_int_equal(single_frame.payload_type, 0);
	assert_int_equal(single_frame.clock_hz, 8000);
	assert_int_equal(single_frame.duration, 160);
	assert_int_equal(single_figures().lost, 0);
}

static void test_other_packets_of_the_source_are_not_missing(void **state)
{
	struct rtp_packet event = {.ssrc = 1, .timestamp = 1760};

	put(1, 65534, 1600, 0);
	assert_plays((uint8_t)65534, 15);
	for (event.sequence = 65535; event.sequence != 10; event.sequence++)
		rtp_jitter_pass(single, &event);
	put(1, 10, 1600 + 12 * 160, 240);
	for (int64_t at_ms = 35; at_ms < 240; at_ms += 20)
		assert_int_not_equal(get(at_ms), RTP_JITTER_PACKET);
	assert_plays(10, 255);
	assert_int_equal(single_figures().lost + single_figures().concealed, 0);
}

static void test_after_comfort_noise_nothing_is_concealed(void **state)
{
	put(1, 1, 1600, 0);
	assert_plays(1, 15);
	put_one((struct one){.ssrc = 1, .sequence = 2, .timestamp = 1760, .payload_type = 13}, 20);
	assert_int_equal(get(35), RTP_JITTER_PACKET);
	assert_int_equal(single_frame.payload_type, 13);
	assert_int_equal(single_frame.duration, 0);
	assert_int_equal(get(35), RTP_JITTER_SILENCE);
	assert_int_equal(get(55), RTP_JITTER_SILENCE);
	put(1, 3, 1600 + 100 * 8, 100);
	assert_plays(3, 115);
	assert_int_equal(single_figures().lost + single_figures().concealed, 0);
}

static void test_one_loss_between_two_packets(void **state)
{
	put(1, 1, 1600, 0);
	assert_plays(1, 15);
	put(1, 3, 1920, 33);
	assert_int_equal(get(35), RTP_JITTER_LOST);
	assert_non_null(single_frame.payload);
	assert_int_equal(single_frame.payload[0], 3);
	assert_int_equal(single_frame.duration, 160);
	assert_int_equal(single_frame.timestamp, 1760);
	assert_int_equal(put(1, 2, 1760, 36), -ETIME);
	assert_plays(3, 55);
	assert_int_equal(put(1, 3, 1920, 56), -EALREADY);
	assert_int_equal(single_figures().lost, 1);
	assert_int_equal(single_figures().late, 1);
	assert_int_equal(single_figures().duplicates, 1);
	assert_int_equal(single_figures().concealed, 1);
}

static void test_a_packet_that_comes_late_into_nothing_is_played_all_the_same(void **state)
{
	put(1, 1, 1600, 0);
	assert_plays(1, 15);
	assert_int_equal(get(35), RTP_JITTER_LOST);
	assert_null(single_frame.payload);
	assert_int_equal(rtp_jitter_state(single), RTP_JITTER_STARVED);
	put(1, 2, 1760, 44);
	put(1, 3, 1920, 45);
	assert_plays(2, 55);
	assert_plays(3, 75);
	assert_int_equal(single_figures().concealed, 1);
	assert_int_equal(single_figures().lost, 0);
}

static void test_first_packets_may_come_in_any_order(void **state)
{
	static const struct rtp_jitter_settings settings = {.delay_min_ms = 40};

	rtp_jitter_free(single);
	single = rtp_jitter_new(&settings);
	put(1, 3, 1920, 0);
	assert_int_equal(get(5), RTP_JITTER_SILENCE);
	assert_int_equal(rtp_jitter_state(single), RTP_JITTER_WAITING);
	put(1, 1, 1600, 6);
	put(1, 2, 1760, 7);
	assert_plays(1, 45);
	assert_plays(2, 65);
	assert_plays(3, 85);
}

static void test_bounds(void **state)
{
	struct rtp_jitter_settings bad[] = {
	    {.delay_max_ms = RTP_JITTER_DELAY_MS_MAX + 1}, {.delay_min_ms = 300, .delay_max_ms = 200},
	    {.packets_max = RTP_JITTER_PACKETS_MAX + 1},   {.packets_max = 1},
	    {.payload_max = RTP_JITTER_PAYLOAD_MAX + 1},
	};
	uint8_t large[101] = {0};
	struct rtp_packet packet = {.ssrc = 1, .payload = large, .payload_bytes = sizeof large};
	struct rtp_jitter_sound sound = {8000, 160};

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		assert_null(rtp_jitter_new(&bad[i]));
	assert_int_equal(get(0), RTP_JITTER_SILENCE);
	assert_int_equal(rtp_jitter_put(single, &packet, &sound, START_US), -EMSGSIZE);
	assert_int_equal(put_one((struct one){.clock_hz = 999, .duration = 1}, 0), -EINVAL);
	assert_int_equal(put_one((struct one){.clock_hz = 8000, .duration = 8001}, 0), -EINVAL);
	/* nobody gets: the newest stay */
	for (uint16_t i = 0; i < 100; i++)
		assert_int_equal(put(1, i, i * 160u, i * 20), 0);
	assert_int_equal(single_figures().discarded, 1 + 92);
	assert_plays(92, 2000);
	rtp_jitter_reset(single);
	assert_int_equal(get(2020), RTP_JITTER_SILENCE);
	assert_int_equal(single_figures().received, 101);
	/* two sources at once: neither breaks anything */
	for (uint16_t i = 0; i < 1000; i++) {
		put(1, i, i * 160u, 3000 + i * 20);
		put(2, i, i * 160u, 3000 + i * 20);
		get(3000 + i * 20 + 5);
	}
	assert_in_range(single_figures().epochs, 10, 25);
	assert_null(rtp_jitter_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_steady_stream_is_played_whole_and_waits_for_no_more_than_a_frame),
	    cmocka_unit_test(test_sequence_and_timestamp_go_round),
	    cmocka_unit_test(test_the_delay_grows_with_jitter_and_hardly_a_packet_is_late),
	    cmocka_unit_test(test_rare_spikes_cost_a_concealment_each_and_no_lasting_delay),
	    cmocka_unit_test(test_each_lost_packet_is_concealed_once_with_the_next_at_hand_where_it_has_come),
	    cmocka_unit_test(test_what_waits_behind_a_loss_is_offered_for_recovery),
	    cmocka_unit_test(test_a_long_loss_is_concealed_for_a_while_and_then_silence),
	    cmocka_unit_test(test_reordering_is_put_right_and_doubles_are_dropped),
	    cmocka_unit_test(test_after_a_stall_no_more_waits_than_may),
	    cmocka_unit_test(test_a_longer_way_costs_one_gap_and_is_then_no_delay_of_ours),
	    cmocka_unit_test(test_drift_of_hours_does_not_grow_the_delay),
	    cmocka_unit_test(test_in_silence_the_delay_grows_ahead_of_the_lateness),
	    cmocka_unit_test(test_silence_is_no_loss_and_each_spurt_starts_with_the_right_delay),
	    cmocka_unit_test(test_any_network_leaves_order_and_bounds_and_each_packet_is_counted),
	    cmocka_unit_test_setup_teardown(test_a_new_source_plays_after_what_waits_of_the_old_one, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_a_jump_of_timestamps_begins_a_new_timeline, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_a_jump_of_the_sequence_is_believed_when_the_next_confirms_it, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(test_a_codec_changes_in_mid_call, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_other_packets_of_the_source_are_not_missing, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_after_comfort_noise_nothing_is_concealed, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_one_loss_between_two_packets, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_a_packet_that_comes_late_into_nothing_is_played_all_the_same, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(test_first_packets_may_come_in_any_order, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_bounds, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
