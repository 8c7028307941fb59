// Package config is the settings: one struct whose fields carry their default,
// their environment name and a sentence, from which the sample file and the
// manual are made.
//
// A setting comes from, later ones winning: its default, the YAML file, the
// environment, and for secrets a file named by NIDAN_…_FILE. All faults are told
// at once, each with the setting, where it was set and what is right; a secret's
// value is never repeated, neither in a fault nor in Config.String.
package config
