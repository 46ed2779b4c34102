// Package postgres keeps everything in a PostgreSQL database, which several servers share.
package postgres
