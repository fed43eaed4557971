// Package mud reads, checks, compares, shows and writes Manufacturer Usage Descriptions: files in which the maker of a device
// says whom it needs to talk to (RFC 8520).
//
// # Which function to call
//
//   - [Parse] reads a file in any form that is met; [ParseStrict] only that of the RFCs. Either gives a [File].
//   - [Check] does that and lints, for makers: each [Problem] has a stable code, a place and an RFC. [File.Lint] lints alone.
//   - [File.Entries] are the entries of a direction, to apply them. [File.Permissions] says what they mean together, and
//     [File.Describe], [File.SVG], [File.HTML] and [File.Dot] show it to people.
//   - [Diff] tells what a new file allows and forbids otherwise than the old one; [JudgeURL] whether a device may move to it.
//   - [File.Canonical] writes a file, always the same way.
//   - [VerifySignature] and [Sign] are for the signature, which is over the octets of the file as they came: [File.Raw].
//   - [ParseSticker] and [Sticker.Payload] read and write the text of a QR code with a MUD URL (RFC 9238).
//
// Words for people come from [In], in English and in French.
//
// # What a File promises
//
// Files come from strangers. Parse bounds size, depth and counts ([MaxBytes], [MaxDepth], [MaxNodes], [MaxEntries]), refuses
// what readers could understand in two ways, and never panics. Texts in a File are as the author wrote them: what this package
// shows has no control characters and is escaped for its form, but a File's own fields are not.
//
// What is not understood never allows more. An entry that demands something unknown, or a value that cannot be, is
// [ACE.Dead]: one that accepts does not hold; one that drops still stops all that the understood part of it matches. Whoever
// applies a file must heed that, for Matches of a dead entry is wider than its author meant. Headers that whoever applies a
// file cannot look at (DSCP, TCP flags and the like: Lint tells) are to be treated in the same way.
//
// A File may be applied if Parse gave no error. It says nothing of who wrote the file: see VerifySignature.
//
// # Other standards
//
// Access lists are those of RFC 8519; JSON as RFC 7951 has it. The extensions transparency (RFC 9472), ietf-mud-tls (RFC 9761),
// ol (draft-ietf-opsawg-ol) and reporter (draft-ietf-opsawg-mud-reporter) are understood. The project's docs/mud.md explains
// each kind of problem, the two forms, and the limits.
package mud
