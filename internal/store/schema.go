package store

import (
	"context"
	"fmt"
	"strings"
)

// Kind is what a column holds.
type Kind byte

// The kinds, by which values are written down; see Dump.
const (
	Text    Kind = 't'
	Integer Kind = 'i'
	Boolean Kind = 'b'
	Bytes   Kind = 'y'
)

// Column is one column of a table.
type Column struct {
	Name string
	Kind Kind
}

// Tables are all tables of the database's schema with their columns in order.
func (db *DB) Tables(ctx context.Context, r Reader) (map[string][]Column, error) {
	text := `select m.name, p.name, p.type from sqlite_schema m join pragma_table_info(m.name) p
		where m.type = 'table' and m.name not like 'sqlite%' order by m.name, p.cid`
	if db.engine == PostgreSQL {
		text = `select c.table_name, c.column_name, c.data_type from information_schema.columns c
			where c.table_schema = current_schema() order by c.table_name, c.ordinal_position`
	}
	rows, err := r.Query(ctx, text)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	tables := map[string][]Column{}
	for rows.Next() {
		var table, name, kind string
		if err := rows.Scan(&table, &name, &kind); err != nil {
			return nil, err
		}
		column := Column{Name: name}
		if column.Kind, err = kindOfColumn(kind); err != nil {
			return nil, fmt.Errorf("%s.%s: %w", table, name, err)
		}
		tables[table] = append(tables[table], column)
	}
	return tables, rows.Err()
}

func kindOfColumn(declared string) (Kind, error) {
	switch strings.ToLower(declared) {
	case "text", "character varying":
		return Text, nil
	case "bigint", "integer":
		return Integer, nil
	case "boolean":
		return Boolean, nil
	case "bytea":
		return Bytes, nil
	}
	return 0, fmt.Errorf("a column is text, bigint, integer, boolean or bytea, not %s", declared)
}

// columns are those of one table; none when there is no such table.
func columns(ctx context.Context, r Reader, engine Engine, table string) ([]Column, error) {
	text := `select name from pragma_table_info($1)`
	if engine == PostgreSQL {
		text = `select cast(column_name as text) from information_schema.columns where table_schema = current_schema() and table_name = $1`
	}
	rows, err := r.Query(ctx, text, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Column
	for rows.Next() {
		var c Column
		if err := rows.Scan(&c.Name); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}
