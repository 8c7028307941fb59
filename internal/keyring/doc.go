// Package keyring keeps which keys the key file may hold, which of them seals, and
// what each node has said of its own copy of the file. It changes the key that seals
// once every node has the new one, and has what other keys sealed sealed anew, column
// by column, while the portal is open (docs/decisions/0020-key-rotation.md).
//
// Tables: key_line, key_use, key_node. It reads node. No key stands in any of them,
// but those of lasting digests, sealed. It never writes a room's own table: each room
// that keeps sealed values names its columns (Column) and the statements for them.
package keyring
