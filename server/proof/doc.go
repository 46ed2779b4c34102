// Package proof holds no code, only tests that look for what nobody thought of: concurrent histories against a model of
// the store, processes that are killed at a chosen point, random sequences of requests against a model of the core, and
// clocks and stores that misbehave.
//
// A failure names its seed. GATEHOUSE_PROOF_SEED replays it; GATEHOUSE_PROOF_SECONDS lets the random walks go on for
// longer than a few seconds.
package proof
