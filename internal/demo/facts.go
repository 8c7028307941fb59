package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Write keeps the facts in a file that only its owner can read. Whoever reads it
// meanwhile sees the old file or the new one, never a part.
func Write(path string, f Facts) error {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("demo facts: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".demo-*.json") // made with mode 0600
	if err != nil {
		return fmt.Errorf("demo facts: %w", err)
	}
	_, err = file.Write(append(text, '\n'))
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("demo facts: %w", errors.Join(err, os.Remove(file.Name())))
	}
	return nil
}

// Read is the reverse of Write, for a demo that is started again.
func Read(path string) (f Facts, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		return Facts{}, fmt.Errorf("demo facts: %w", err)
	}
	return f, nil
}
